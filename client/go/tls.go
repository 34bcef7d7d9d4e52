package pointsman

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TLSFiles names PEM files; an empty path leaves its part out.
type TLSFiles struct {
	CA          string // authorities that may vouch for the router; empty: the roots of the system
	Certificate string // with Key: the client's own identity (mTLS)
	Key         string
	ServerName  string // name that the router's certificate must carry; empty: the target's host
}

// LoadTLS reads files for [WithTLS], once: after a rotation make another client, or set
// GetClientCertificate of the config. The [*Error] has code NOT_FOUND for a file that cannot be read,
// INVALID_ARGUMENT for one that is no PEM file or for a certificate without its key.
func LoadTLS(files TLSFiles) (*tls.Config, error) {
	config := &tls.Config{ServerName: files.ServerName}
	if files.CA != "" {
		pem, err := readPEM(files.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, invalid("%s holds no certificate in PEM", files.CA)
		}
	}
	if files.Certificate == "" && files.Key == "" {
		return config, nil
	}
	if files.Certificate == "" || files.Key == "" {
		return nil, invalid("a client certificate and its private key must be given together; one is empty")
	}
	certificate, err := readPEM(files.Certificate)
	if err != nil {
		return nil, err
	}
	key, err := readPEM(files.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, invalid("%s and %s are no certificate and private key: %v",
			files.Certificate, files.Key, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func readPEM(path string) ([]byte, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		reason := err
		if failure := (*fs.PathError)(nil); errors.As(err, &failure) {
			reason = failure.Err // without the path, which the sentence names
		}
		return nil, &Error{
			status:     status.Newf(codes.NotFound, "cannot read %s as a PEM file: %v", path, reason),
			cause:      err,
			isSentence: true,
		}
	}
	return pem, nil
}

// bearer is a key as the credentials of each call. Whether it may go in plaintext is decided by
// options.validate, which knows the target.
type bearer string

func (key bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(key)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }
