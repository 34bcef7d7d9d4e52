package pointsman

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// DefaultTarget is where a router listens unless told otherwise.
const DefaultTarget = "127.0.0.1:7431"

// maxRetryAttempts is what gRPC silently cuts larger numbers to.
const maxRetryAttempts = 5

// RetryPolicy says how often and how soon a call is tried again. Only UNAVAILABLE is retried: it says
// that the request was not worked on, or that another replica should be asked. An overloaded router
// (RESOURCE_EXHAUSTED) is left alone. gRPC adds its own jitter.
type RetryPolicy struct {
	MaxAttempts    int           // 1 to 5, the first one included; 1: no retry
	InitialBackoff time.Duration // > 0
	MaxBackoff     time.Duration // >= InitialBackoff
	Multiplier     float64       // > 0, finite
}

// DefaultRetryPolicy is 4 attempts, 50 ms apart at first, twice as much each time, at most 1 s.
func DefaultRetryPolicy() RetryPolicy {
	return RetryPolicy{
		MaxAttempts:    4,
		InitialBackoff: 50 * time.Millisecond,
		MaxBackoff:     time.Second,
		Multiplier:     2,
	}
}

// An Option changes how a [Client] reaches its router. The defaults suit a sidecar on the same host.
type Option func(*options)

type options struct {
	target                string
	tls                   *tls.Config // nil: plaintext
	apiKey                string      // empty: none
	allowAPIKeyWithoutTLS bool
	deadline              time.Duration
	retry                 RetryPolicy
	balanceByHealth       bool
	keepaliveInterval     time.Duration
	keepaliveTimeout      time.Duration
	maxResponseBytes      int
	dialOptions           []grpc.DialOption
}

func newOptions(target string, opts []Option) options {
	o := options{
		target:            target,
		deadline:          2 * time.Second,
		retry:             DefaultRetryPolicy(),
		balanceByHealth:   true,
		keepaliveInterval: 330 * time.Second,
		keepaliveTimeout:  20 * time.Second,
		maxResponseBytes:  64 << 20,
	}
	for _, option := range opts {
		option(&o)
	}
	return o
}

// WithTLS encrypts, as config says; nil stands for an empty one, which trusts the roots of the system.
// [LoadTLS] makes one from files. Without this option the connection is plaintext.
func WithTLS(config *tls.Config) Option {
	if config == nil {
		config = &tls.Config{}
	}
	return func(o *options) { o.tls = config }
}

// WithAPIKey sends "authorization: Bearer KEY" with every call; empty sends none. Over plaintext the
// key can be read on the way, so [New] then refuses it beyond this host; see [WithAPIKeyWithoutTLS].
func WithAPIKey(key string) Option { return func(o *options) { o.apiKey = key } }

// WithAPIKeyWithoutTLS lets the key leave this host in plaintext: for where a proxy encrypts.
func WithAPIKeyWithoutTLS() Option { return func(o *options) { o.allowAPIKeyWithoutTLS = true } }

// WithDeadline sets the time for a call that names none (see [WithCallDeadline]), retries included:
// > 0, 2 s unless set.
func WithDeadline(deadline time.Duration) Option {
	return func(o *options) { o.deadline = deadline }
}

// WithRetry replaces [DefaultRetryPolicy].
func WithRetry(policy RetryPolicy) Option { return func(o *options) { o.retry = policy } }

// WithoutHealthBalancing calls the first address of the target that connects, serving or not. Unless
// this is set, replicas that report NOT_SERVING, as one that drains does, are left out and calls are
// spread over the others.
func WithoutHealthBalancing() Option { return func(o *options) { o.balanceByHealth = false } }

// WithKeepalive sets how dead connections are found between calls: a ping after interval of silence,
// the connection given up when it is not answered within timeout; both > 0, 330 s and 20 s unless
// set. gRPC servers cut off clients that ping more often than every five minutes, unless configured
// otherwise; gRPC for Go raises intervals below 10 s to that.
func WithKeepalive(interval, timeout time.Duration) Option {
	return func(o *options) { o.keepaliveInterval, o.keepaliveTimeout = interval, timeout }
}

// WithMaxResponseBytes bounds the size of one response: > 0, 64 MiB unless set. A batch that explains
// carries many exemplar texts.
func WithMaxResponseBytes(bytes int) Option {
	return func(o *options) { o.maxResponseBytes = bytes }
}

// WithDialOptions hands options to gRPC itself, such as interceptors or a stats handler for traces.
// They come last, and so win over what this package sets.
func WithDialOptions(dialOptions ...grpc.DialOption) Option {
	return func(o *options) { o.dialOptions = append(o.dialOptions, dialOptions...) }
}

// validate returns nil, or an [*Error] saying which option is out of which bound.
func (o *options) validate() error {
	if o.target == "" {
		return invalid("the target must name a host and port; it is empty")
	}
	if err := validateDeadline(o.deadline); err != nil {
		return err
	}
	retry := o.retry
	if retry.MaxAttempts < 1 || retry.MaxAttempts > maxRetryAttempts {
		return invalid("RetryPolicy.MaxAttempts must be 1 to %d; it is %d",
			maxRetryAttempts, retry.MaxAttempts)
	}
	if retry.InitialBackoff <= 0 || retry.MaxBackoff < retry.InitialBackoff {
		return invalid("RetryPolicy needs 0 < InitialBackoff <= MaxBackoff; they are %v and %v",
			retry.InitialBackoff, retry.MaxBackoff)
	}
	if !(retry.Multiplier > 0) || math.IsInf(retry.Multiplier, 1) {
		return invalid("RetryPolicy.Multiplier must be > 0 and finite; it is %v", retry.Multiplier)
	}
	if o.keepaliveInterval <= 0 || o.keepaliveTimeout <= 0 {
		return invalid("the keepalive interval and timeout must be > 0; they are %v and %v",
			o.keepaliveInterval, o.keepaliveTimeout)
	}
	if o.maxResponseBytes <= 0 {
		return invalid("the largest response must be > 0 bytes; it is %d", o.maxResponseBytes)
	}
	return o.validateAPIKey()
}

func (o *options) validateAPIKey() error {
	for i := range len(o.apiKey) {
		// A header takes no other bytes; a key read from a file often ends in a line feed.
		if b := o.apiKey[i]; b <= ' ' || b > '~' {
			return invalid("the API key must be visible ASCII characters; byte %d (0x%02x) is not", i, b)
		}
	}
	if o.apiKey != "" && o.tls == nil && !o.allowAPIKeyWithoutTLS && !isSameHost(o.target) {
		return invalid("an API key would be sent to %s in plaintext; use TLS, or WithAPIKeyWithoutTLS "+
			"where a proxy encrypts", o.target)
	}
	return nil
}

func validateDeadline(deadline time.Duration) error {
	if deadline <= 0 {
		return invalid("the deadline must be > 0 ms; it is %v ms",
			float64(deadline)/float64(time.Millisecond))
	}
	return nil
}

// isSameHost tells whether what is sent to target stays on this host.
func isSameHost(target string) bool {
	if strings.HasPrefix(target, "unix:") {
		return true
	}
	for _, scheme := range []string{"dns:///", "dns:", "ipv4:", "ipv6:"} {
		if rest, found := strings.CutPrefix(target, scheme); found {
			target = rest
			break
		}
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = target // no port
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// serviceConfig is the gRPC service config (JSON) that carries the retry policy and the health check.
func (o *options) serviceConfig() string {
	type object = map[string]any
	router := object{"name": []object{{"service": "pointsman.v1.RouterService"}}}
	if o.retry.MaxAttempts > 1 {
		router["retryPolicy"] = object{
			"maxAttempts":          o.retry.MaxAttempts,
			"initialBackoff":       protobufSeconds(o.retry.InitialBackoff),
			"maxBackoff":           protobufSeconds(o.retry.MaxBackoff),
			"backoffMultiplier":    o.retry.Multiplier,
			"retryableStatusCodes": []string{codeName(codes.Unavailable)},
		}
	}
	config := object{"methodConfig": []object{router}}
	if o.balanceByHealth {
		config["loadBalancingConfig"] = []object{{"round_robin": object{}}}
		config["healthCheckConfig"] = object{"serviceName": ""}
	}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err) // a validated config holds only finite numbers and text
	}
	return string(text)
}

// protobufSeconds is a duration in protobuf's JSON form.
func protobufSeconds(duration time.Duration) string {
	return fmt.Sprintf("%d.%09ds", duration/time.Second, duration%time.Second)
}

// dial returns a connection that waits for the first call; o must be valid.
func (o *options) dial() (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if o.tls != nil {
		transport = credentials.NewTLS(o.tls)
	}
	dialOptions := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(o.serviceConfig()),
		grpc.WithUserAgent("pointsman-go/" + Version),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.maxResponseBytes)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                o.keepaliveInterval,
			Timeout:             o.keepaliveTimeout,
			PermitWithoutStream: true,
		}),
	}
	if o.apiKey != "" {
		dialOptions = append(dialOptions, grpc.WithPerRPCCredentials(bearer(o.apiKey)))
	}
	connection, err := grpc.NewClient(o.target, append(dialOptions, o.dialOptions...)...)
	if err != nil {
		return nil, invalid("the target %q cannot be used: %v", o.target, err)
	}
	return connection, nil
}
