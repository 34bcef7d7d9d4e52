package pointsman_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/pointsman/pointsman/client/go"
	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

// scriptedRouter is a router in this process whose Route does what a test says.
type scriptedRouter struct {
	pointsmanv1.UnimplementedRouterServiceServer
	address string
	health  *health.Server
	calls   atomic.Int64
	// Gets the number of the call, from 1.
	onRoute func(ctx context.Context, call int64) (*pointsmanv1.RouteResponse, error)

	mutex    sync.Mutex
	metadata metadata.MD // of the last call
}

func (r *scriptedRouter) Route(ctx context.Context, _ *pointsmanv1.RouteRequest) (*pointsmanv1.RouteResponse, error) {
	sent, _ := metadata.FromIncomingContext(ctx)
	r.mutex.Lock()
	r.metadata = sent
	r.mutex.Unlock()
	call := r.calls.Add(1)
	if r.onRoute == nil {
		return &pointsmanv1.RouteResponse{Outcome: pointsmanv1.Outcome_OUTCOME_CHOSEN, Model: "scripted"}, nil
	}
	return r.onRoute(ctx, call)
}

func (r *scriptedRouter) BatchRoute(_ context.Context, batch *pointsmanv1.BatchRouteRequest) (*pointsmanv1.BatchRouteResponse, error) {
	response := &pointsmanv1.BatchRouteResponse{}
	for range batch.GetRequests() {
		response.Results = append(response.Results, &pointsmanv1.BatchRouteResult{
			Result: &pointsmanv1.BatchRouteResult_Response{
				Response: &pointsmanv1.RouteResponse{Model: "scripted"},
			},
		})
	}
	return response, nil
}

func (r *scriptedRouter) GetCatalogue(context.Context, *pointsmanv1.GetCatalogueRequest) (*pointsmanv1.GetCatalogueResponse, error) {
	return &pointsmanv1.GetCatalogueResponse{BundleVersion: "scripted"}, nil
}

func (r *scriptedRouter) sent(name string) []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.metadata.Get(name)
}

func startRouter(t *testing.T, options ...grpc.ServerOption) *scriptedRouter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	router := &scriptedRouter{address: listener.Addr().String(), health: health.NewServer()}
	server := grpc.NewServer(options...)
	pointsmanv1.RegisterRouterServiceServer(server, router)
	healthpb.RegisterHealthServer(server, router.health)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("the scripted router ended with %v", err)
		}
	})
	return router
}

// deadAddress is one where nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// newClient retries quickly, unless options say otherwise.
func newClient(t *testing.T, target string, options ...pointsman.Option) *pointsman.Client {
	t.Helper()
	retry := pointsman.DefaultRetryPolicy()
	retry.InitialBackoff, retry.MaxBackoff = 5*time.Millisecond, 20*time.Millisecond
	client, err := pointsman.New(target, append([]pointsman.Option{pointsman.WithRetry(retry)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // a test may have closed it
	return client
}

func query(text string) *pointsmanv1.RouteRequest {
	return &pointsmanv1.RouteRequest{Input: &pointsmanv1.RouteRequest_Text{Text: text}}
}

func statusWith(t *testing.T, code codes.Code, message string, details ...protoadapt.MessageV1) *status.Status {
	t.Helper()
	detailed, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return detailed
}
