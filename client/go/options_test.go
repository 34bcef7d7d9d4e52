package pointsman_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/pointsman/pointsman/client/go"
)

func TestOptionsOutOfBoundsAreNamed(t *testing.T) {
	retry := func(change func(*pointsman.RetryPolicy)) pointsman.Option {
		policy := pointsman.DefaultRetryPolicy()
		change(&policy)
		return pointsman.WithRetry(policy)
	}
	for sentence, option := range map[string]pointsman.Option{
		"the deadline must be > 0 ms; it is -5 ms":                pointsman.WithDeadline(-5 * time.Millisecond),
		"the deadline must be > 0 ms; it is 0 ms":                 pointsman.WithDeadline(0),
		"RetryPolicy.MaxAttempts must be 1 to 5; it is 0":         retry(func(p *pointsman.RetryPolicy) { p.MaxAttempts = 0 }),
		"RetryPolicy.MaxAttempts must be 1 to 5; it is 6":         retry(func(p *pointsman.RetryPolicy) { p.MaxAttempts = 6 }),
		"InitialBackoff <= MaxBackoff; they are 0s and 1s":        retry(func(p *pointsman.RetryPolicy) { p.InitialBackoff = 0 }),
		"InitialBackoff <= MaxBackoff; they are 50ms and 10ms":    retry(func(p *pointsman.RetryPolicy) { p.MaxBackoff = 10 * time.Millisecond }),
		"Multiplier must be > 0 and finite; it is 0":              retry(func(p *pointsman.RetryPolicy) { p.Multiplier = 0 }),
		"Multiplier must be > 0 and finite; it is NaN":            retry(func(p *pointsman.RetryPolicy) { p.Multiplier = math.NaN() }),
		"Multiplier must be > 0 and finite; it is +Inf":           retry(func(p *pointsman.RetryPolicy) { p.Multiplier = math.Inf(1) }),
		"keepalive interval and timeout must be > 0; they are 0s": pointsman.WithKeepalive(0, time.Second),
		"largest response must be > 0 bytes; it is 0":             pointsman.WithMaxResponseBytes(0),
		"visible ASCII characters; byte 3 (0x0a) is not":          pointsman.WithAPIKey("key\n"),
	} {
		_, err := pointsman.New(pointsman.DefaultTarget, option)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), sentence) {
			t.Errorf("want %q, got %v", sentence, err)
		}
	}
	if _, err := pointsman.New(""); err == nil || !strings.Contains(err.Error(), "the target must name a host and port") {
		t.Errorf("empty target: %v", err)
	}
}

func TestAKeyIsNotSentInPlaintextBeyondThisHost(t *testing.T) {
	key := pointsman.WithAPIKey("k")
	for _, target := range []string{"127.0.0.1:7431", "127.1.2.3:7431", "localhost:7431", "[::1]:7431",
		"unix:/run/pointsman.sock", "dns:///localhost:7431", "dns:localhost:7431"} {
		client, err := pointsman.New(target, key)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		_ = client.Close()
	}
	for _, target := range []string{"router.example:7431", "127.0.0.1.example:7431", "localhost.example:7431",
		"10.0.0.1:7431", "dns:///router.example:7431", "dns://127.0.0.1/router.example:7431"} {
		_, err := pointsman.New(target, key)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), target+" in plaintext") {
			t.Errorf("%s: %v", target, err)
		}
		for _, allowing := range []pointsman.Option{pointsman.WithAPIKeyWithoutTLS(), pointsman.WithTLS(nil)} {
			if _, err := pointsman.New(target, key, allowing); err != nil {
				t.Errorf("%s: %v", target, err)
			}
		}
	}
}

// identity writes a self-signed certificate for "router.test" and its key.
func identity(t *testing.T) pointsman.TLSFiles {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		DNSNames:              []string{"router.test"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(t.TempDir(), name)
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificatePath := write("tls.crt", "CERTIFICATE", certificate)
	return pointsman.TLSFiles{
		CA:          certificatePath,
		Certificate: certificatePath,
		Key:         write("tls.key", "PRIVATE KEY", private),
		ServerName:  "router.test",
	}
}

func TestBothSidesShowTheirCertificates(t *testing.T) {
	files := identity(t)
	config, err := pointsman.LoadTLS(files)
	if err != nil {
		t.Fatal(err)
	}
	router := startRouter(t, grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: config.Certificates,
		ClientCAs:    config.RootCAs,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	})))
	client := newClient(t, router.address, pointsman.WithTLS(config), pointsman.WithAPIKey("k"))
	if _, err := client.Route(t.Context(), query("hello")); err != nil {
		t.Error(err)
	}
	if _, err := client.CheckHealth(t.Context()); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*tls.Config){
		"without a certificate": func(c *tls.Config) { c.Certificates = nil },
		"of another name":       func(c *tls.Config) { c.ServerName = "elsewhere.test" },
		"of a stranger":         func(c *tls.Config) { c.RootCAs = x509.NewCertPool() },
	} {
		changed := config.Clone()
		change(changed)
		stranger := newClient(t, router.address, pointsman.WithTLS(changed))
		if _, err := stranger.Route(t.Context(), query("hello")); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesThatCannotBeUsedAreNamed(t *testing.T) {
	good := identity(t)
	garbage := filepath.Join(t.TempDir(), "garbage.pem")
	if err := os.WriteFile(garbage, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for sentence, files := range map[string]pointsman.TLSFiles{
		"must be given together":         {Certificate: good.Certificate},
		garbage + " holds no":            {CA: garbage},
		"are no certificate and private": {Certificate: good.Certificate, Key: garbage},
	} {
		_, err := pointsman.LoadTLS(files)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), sentence) {
			t.Errorf("want %q, got %v", sentence, err)
		}
	}
	_, err := pointsman.LoadTLS(pointsman.TLSFiles{CA: garbage + ".absent"})
	if status.Code(err) != codes.NotFound || !errors.Is(err, fs.ErrNotExist) ||
		err.Error() != "cannot read "+garbage+".absent as a PEM file: no such file or directory" {
		t.Errorf("error is %v", err)
	}
}
