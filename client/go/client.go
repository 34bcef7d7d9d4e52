// Package pointsman asks a Pointsman router which language model should answer a query: typed calls
// with a deadline, retries, TLS, a key, health, and a ranking of the caller's own for when no router
// answers.
//
//	router, err := pointsman.New(pointsman.DefaultTarget)
//	if err != nil {
//		return err // an option is out of bounds
//	}
//	defer router.Close()
//	request := &pointsmanv1.RouteRequest{Input: &pointsmanv1.RouteRequest_Text{Text: "What is 2 + 2?"}}
//	routed := router.RouteOrDefault(ctx, request, pointsman.RankIDs("my-default"))
//	callModel(routed.Response.GetModel())
//
// The messages are those of package pointsmanv1, beside this one in pointsman/v1.
package pointsman

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/health" // the client's half of balancing by health
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

// Version of this package.
const Version = "0.1.0"

// Client calls one router, or the replicas behind one target. It is safe for concurrent use; share
// one. Each call ends by its deadline or when its context does, whichever is first; errors are of type
// [*Error], and UNAVAILABLE has then been retried already.
type Client struct {
	options    options
	connection *grpc.ClientConn
	router     pointsmanv1.RouterServiceClient
	byRouter   atomic.Int64
	byDefault  [codes.Unauthenticated + 1]atomic.Int64 // by code
}

// New returns a client of the router at target, a gRPC target: host:port, dns:///name:port,
// unix:/path. It does not wait for the router: the first call connects. The [*Error] names the option
// that is out of bounds.
func New(target string, opts ...Option) (*Client, error) {
	options := newOptions(target, opts)
	if err := options.validate(); err != nil {
		return nil, err
	}
	connection, err := options.dial()
	if err != nil {
		return nil, err
	}
	return &Client{
		options:    options,
		connection: connection,
		router:     pointsmanv1.NewRouterServiceClient(connection),
	}, nil
}

// Close ends the connections; calls in flight and later ones fail with CANCELLED.
func (c *Client) Close() error { return c.connection.Close() }

// A CallOption changes one call.
type CallOption func(*call)

type call struct {
	deadline time.Duration
}

// WithCallDeadline sets the time for this call instead of that of [WithDeadline], retries included:
// > 0. The deadline of the context, if sooner, holds as well.
func WithCallDeadline(deadline time.Duration) CallOption {
	return func(c *call) { c.deadline = deadline }
}

// start gives the context of a call; the caller must cancel it.
func (c *Client) start(ctx context.Context, opts []CallOption) (context.Context, context.CancelFunc, error) {
	settings := call{deadline: c.options.deadline}
	for _, option := range opts {
		option(&settings)
	}
	if err := validateDeadline(settings.deadline); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, settings.deadline)
	return ctx, cancel, nil
}

// Route asks for one decision. "No model qualifies" and "the policy prefers not to choose" are
// decisions, not errors: see the outcome.
func (c *Client) Route(ctx context.Context, request *pointsmanv1.RouteRequest, opts ...CallOption) (*pointsmanv1.RouteResponse, error) {
	return invoke(ctx, c, c.router.Route, request, opts)
}

// BatchRoute asks for many decisions at once. The results are in the order of the requests; each holds
// a decision or an error (see [FromStatus]).
func (c *Client) BatchRoute(ctx context.Context, request *pointsmanv1.BatchRouteRequest, opts ...CallOption) (*pointsmanv1.BatchRouteResponse, error) {
	return invoke(ctx, c, c.router.BatchRoute, request, opts)
}

// GetCatalogue asks for the models, capabilities and policies in service.
func (c *Client) GetCatalogue(ctx context.Context, opts ...CallOption) (*pointsmanv1.GetCatalogueResponse, error) {
	return invoke(ctx, c, c.router.GetCatalogue, &pointsmanv1.GetCatalogueRequest{}, opts)
}

// CheckHealth asks the standard gRPC health service whether the router is serving; it is not while it
// starts or drains. It asks once, on a connection of its own and without balancing by health, so that
// a router that is not serving can say so.
func (c *Client) CheckHealth(ctx context.Context, opts ...CallOption) (serving bool, err error) {
	ctx, cancel, err := c.start(ctx, opts)
	if err != nil {
		return false, err
	}
	defer cancel()
	options := c.options
	options.balanceByHealth = false
	connection, err := options.dial()
	if err != nil {
		return false, err
	}
	defer connection.Close()
	response, err := healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return false, fromGRPC(err)
	}
	return response.GetStatus() == healthpb.HealthCheckResponse_SERVING, nil
}

// Source tells where a decision comes from.
type Source int

const (
	// SourceRouter: a router decided.
	SourceRouter Source = iota
	// SourceDefault: none answered; the caller's own ranking did, blind to the query.
	SourceDefault
)

func (s Source) String() string {
	if s == SourceRouter {
		return "router"
	}
	return "default"
}

// Routed is a decision and where it comes from.
type Routed struct {
	Source   Source
	Response *pointsmanv1.RouteResponse // never nil
	// With SourceDefault the [*Error] that says why no router decided, else nil.
	RouterError error
	// With SourceDefault the hard limits that were not checked, see [DecideByDefault].
	UncheckedLimits []string
}

// RouteOrDefault never fails: it returns the router's decision, or that of ranking, labelled and
// counted. A refusal of the request itself (INVALID_ARGUMENT) also ends in the ranking, since an
// application that has always had an answer must not stop when a model leaves the catalogue; so does a
// context that the caller has cancelled (CANCELLED). [Client.DefaultCounts] shows both.
func (c *Client) RouteOrDefault(ctx context.Context, request *pointsmanv1.RouteRequest, ranking DefaultRanking, opts ...CallOption) Routed {
	response, err := c.Route(ctx, request, opts...)
	if err == nil {
		c.byRouter.Add(1)
		return Routed{Source: SourceRouter, Response: response}
	}
	c.byDefault[codeOf(err)].Add(1)
	response, unchecked := DecideByDefault(ranking, request)
	return Routed{Source: SourceDefault, Response: response, RouterError: err, UncheckedLimits: unchecked}
}

// DefaultCounts is what RouteOrDefault has returned since the client was made.
type DefaultCounts struct {
	ByRouter         int64
	ByDefault        int64
	ByDefaultPerCode map[codes.Code]int64 // codes that occurred
}

// DefaultCounts returns the counts so far: export them as metrics, and watch those by default.
func (c *Client) DefaultCounts() DefaultCounts {
	counts := DefaultCounts{ByRouter: c.byRouter.Load(), ByDefaultPerCode: map[codes.Code]int64{}}
	for i := range c.byDefault {
		if count := c.byDefault[i].Load(); count > 0 {
			counts.ByDefault += count
			counts.ByDefaultPerCode[codes.Code(i)] = count
		}
	}
	return counts
}
