package pointsman_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pointsman/pointsman/client/go"
	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

func fails(err error) func(context.Context, int64) (*pointsmanv1.RouteResponse, error) {
	return func(context.Context, int64) (*pointsmanv1.RouteResponse, error) { return nil, err }
}

// hangs answers when the caller has given up.
func hangs(ctx context.Context, _ int64) (*pointsmanv1.RouteResponse, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

func TestEveryCallReturnsTheAnswerOfTheRouter(t *testing.T) {
	client := newClient(t, startRouter(t).address)
	response, err := client.Route(t.Context(), query("hello"))
	if err != nil || response.GetModel() != "scripted" {
		t.Errorf("Route: %v, %v", response, err)
	}
	requests := []*pointsmanv1.RouteRequest{query("a"), query("b")}
	batch, err := client.BatchRoute(t.Context(), &pointsmanv1.BatchRouteRequest{Requests: requests})
	if err != nil || len(batch.GetResults()) != 2 {
		t.Errorf("BatchRoute: %v, %v", batch, err)
	}
	catalogue, err := client.GetCatalogue(t.Context())
	if err != nil || catalogue.GetBundleVersion() != "scripted" {
		t.Errorf("GetCatalogue: %v, %v", catalogue, err)
	}
}

func TestOneClientServesManyGoroutines(t *testing.T) {
	router := startRouter(t)
	client := newClient(t, router.address)
	var running sync.WaitGroup
	for range 4 {
		running.Add(1)
		go func() {
			defer running.Done()
			for range 25 {
				client.RouteOrDefault(t.Context(), query("hello"), pointsman.RankIDs("mine"))
			}
		}()
	}
	running.Wait()
	if counts := client.DefaultCounts(); counts.ByRouter != 100 || counts.ByDefault != 0 {
		t.Errorf("counts are %+v", counts)
	}
	if calls := router.calls.Load(); calls != 100 {
		t.Errorf("the router was called %d times", calls)
	}
}

func TestSendsTheKeyAsBearerAndNamesItself(t *testing.T) {
	router := startRouter(t)
	if _, err := newClient(t, router.address, pointsman.WithAPIKey("s3cret")).Route(t.Context(), query("hello")); err != nil {
		t.Fatal(err)
	}
	if keys := router.sent("authorization"); !slices.Equal(keys, []string{"Bearer s3cret"}) {
		t.Errorf("authorization is %q", keys)
	}
	if agents := router.sent("user-agent"); len(agents) != 1 || !strings.HasPrefix(agents[0], "pointsman-go/"+pointsman.Version) {
		t.Errorf("user-agent is %q", agents)
	}
}

func TestRetriesUnavailableUntilItWorks(t *testing.T) {
	router := startRouter(t)
	router.onRoute = func(_ context.Context, call int64) (*pointsmanv1.RouteResponse, error) {
		if call <= 2 {
			return nil, status.Error(codes.Unavailable, "draining")
		}
		return &pointsmanv1.RouteResponse{Model: "third time"}, nil
	}
	response, err := newClient(t, router.address).Route(t.Context(), query("hello"))
	if err != nil || response.GetModel() != "third time" || router.calls.Load() != 3 {
		t.Errorf("after %d calls: %v, %v", router.calls.Load(), response, err)
	}
}

func TestGivesUpAfterTheLastAttempt(t *testing.T) {
	for _, attempts := range []int{1, 3} {
		router := startRouter(t)
		router.onRoute = fails(status.Error(codes.Unavailable, "draining"))
		retry := pointsman.DefaultRetryPolicy()
		retry.MaxAttempts, retry.InitialBackoff = attempts, time.Millisecond
		_, err := newClient(t, router.address, pointsman.WithRetry(retry)).Route(t.Context(), query("hello"))
		if calls := router.calls.Load(); calls != int64(attempts) {
			t.Errorf("%d attempts, want %d", calls, attempts)
		}
		var failure *pointsman.Error
		if !errors.As(err, &failure) || failure.Code() != codes.Unavailable || failure.Message() != "draining" {
			t.Errorf("error is %v", err)
		}
	}
}

func TestRetriesNothingButUnavailable(t *testing.T) {
	for _, code := range []codes.Code{codes.InvalidArgument, codes.ResourceExhausted, codes.Internal,
		codes.Canceled, codes.Aborted, codes.DeadlineExceeded} {
		router := startRouter(t)
		router.onRoute = fails(status.Error(code, "no"))
		_, err := newClient(t, router.address).Route(t.Context(), query("hello"))
		if status.Code(err) != code || router.calls.Load() != 1 {
			t.Errorf("%v: %v after %d calls", code, err, router.calls.Load())
		}
	}
}

func TestASlowAnswerEndsAtTheDeadline(t *testing.T) {
	router := startRouter(t)
	router.onRoute = hangs
	client := newClient(t, router.address, pointsman.WithDeadline(time.Hour))
	start := time.Now()
	_, err := client.Route(t.Context(), query("hello"), pointsman.WithCallDeadline(50*time.Millisecond))
	if status.Code(err) != codes.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	if passed := time.Since(start); passed > time.Second {
		t.Errorf("took %v", passed)
	}
}

func TestTheDefaultDeadlineHoldsForCallsThatNameNone(t *testing.T) {
	router := startRouter(t)
	var left time.Duration
	router.onRoute = func(ctx context.Context, _ int64) (*pointsmanv1.RouteResponse, error) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return &pointsmanv1.RouteResponse{}, nil
	}
	if _, err := newClient(t, router.address).Route(t.Context(), query("hello")); err != nil {
		t.Fatal(err)
	}
	if left > 2100*time.Millisecond || left < time.Second {
		t.Errorf("%v were left of 2 s", left)
	}
}

func TestTheDeadlineOfTheContextHoldsWhereItIsSooner(t *testing.T) {
	router := startRouter(t)
	router.onRoute = hangs
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := newClient(t, router.address, pointsman.WithDeadline(time.Hour)).Route(ctx, query("hello"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

func TestTheDeadlineCoversAllAttempts(t *testing.T) {
	router := startRouter(t)
	router.onRoute = fails(status.Error(codes.Unavailable, "draining"))
	retry := pointsman.RetryPolicy{MaxAttempts: 5, InitialBackoff: time.Hour, MaxBackoff: time.Hour, Multiplier: 1}
	client := newClient(t, router.address, pointsman.WithRetry(retry))
	start := time.Now()
	_, err := client.Route(t.Context(), query("hello"), pointsman.WithCallDeadline(100*time.Millisecond))
	if err == nil || time.Since(start) > time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

func TestADeadlineOfZeroIsRefused(t *testing.T) {
	client := newClient(t, startRouter(t).address)
	_, err := client.Route(t.Context(), query("hello"), pointsman.WithCallDeadline(0))
	if status.Code(err) != codes.InvalidArgument || err.Error() != "the deadline must be > 0 ms; it is 0 ms" {
		t.Errorf("error is %v", err)
	}
}

func TestKeepsTheDetailsOfARefusal(t *testing.T) {
	router := startRouter(t)
	router.onRoute = fails(statusWith(t, codes.InvalidArgument, "bad request", &errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "tradeoff", Description: "must be within 0 to 1; is 7"},
		},
	}).Err())
	_, err := newClient(t, router.address).Route(t.Context(), query("hello"))
	var failure *pointsman.Error
	if !errors.As(err, &failure) {
		t.Fatalf("error is %v", err)
	}
	want := []pointsman.FieldViolation{{Field: "tradeoff", Problem: "must be within 0 to 1; is 7"}}
	if got := failure.FieldViolations(); !slices.Equal(got, want) {
		t.Errorf("violations are %v", got)
	}
	if got := err.Error(); got != "the request is invalid: bad request; tradeoff: must be within 0 to 1; is 7" {
		t.Errorf("sentence is %q", got)
	}
}

func TestTellsTheRetryDelayOfAnOverloadedRouter(t *testing.T) {
	router := startRouter(t)
	router.onRoute = fails(statusWith(t, codes.ResourceExhausted, "too many in flight",
		&errdetails.RetryInfo{RetryDelay: durationpb.New(250 * time.Millisecond)}).Err())
	_, err := newClient(t, router.address).Route(t.Context(), query("hello"))
	var failure *pointsman.Error
	if !errors.As(err, &failure) {
		t.Fatalf("error is %v", err)
	}
	if delay, ok := failure.RetryDelay(); !ok || delay != 250*time.Millisecond {
		t.Errorf("delay is %v, %v", delay, ok)
	}
}

func TestTextThatIsNotUTF8IsRefusedWithFieldAndByte(t *testing.T) {
	client := newClient(t, startRouter(t).address)
	conversation := &pointsmanv1.RouteRequest{Input: &pointsmanv1.RouteRequest_Conversation{
		Conversation: &pointsmanv1.Conversation{Turns: []*pointsmanv1.Turn{
			{Role: pointsmanv1.Role_ROLE_SYSTEM, Content: "fine"},
			{Role: pointsmanv1.Role_ROLE_USER, Content: "ab\xc3"},
		}},
	}}
	_, err := client.BatchRoute(t.Context(), &pointsmanv1.BatchRouteRequest{
		Requests: []*pointsmanv1.RouteRequest{query("fine"), conversation},
	})
	var failure *pointsman.Error
	if !errors.As(err, &failure) || failure.Code() != codes.InvalidArgument {
		t.Fatalf("error is %v", err)
	}
	want := []pointsman.FieldViolation{{
		Field:   "requests[1].conversation.turns[1].content",
		Problem: "must be valid UTF-8; byte 2 (0xc3) is not",
	}}
	if got := failure.FieldViolations(); !slices.Equal(got, want) {
		t.Errorf("violations are %v", got)
	}
}

func TestRouteOrDefaultAnswersFromTheRankingWhereNobodyListens(t *testing.T) {
	client := newClient(t, deadAddress(t))
	request := query("hello")
	cost := 0.5
	request.Limits = &pointsmanv1.Limits{MaxCostUsd: &cost}
	routed := client.RouteOrDefault(t.Context(), request, pointsman.RankIDs("mine", "second"))
	if routed.Source != pointsman.SourceDefault || routed.Response.GetModel() != "mine" {
		t.Errorf("routed is %+v", routed)
	}
	if status.Code(routed.RouterError) != codes.Unavailable {
		t.Errorf("router error is %v", routed.RouterError)
	}
	if !slices.Equal(routed.UncheckedLimits, []string{"limits.max_cost_usd"}) {
		t.Errorf("unchecked limits are %v", routed.UncheckedLimits)
	}
}

func TestDefaultsAreCountedByCode(t *testing.T) {
	router := startRouter(t)
	router.onRoute = func(_ context.Context, call int64) (*pointsmanv1.RouteResponse, error) {
		if call == 1 {
			return &pointsmanv1.RouteResponse{Model: "routed"}, nil
		}
		return nil, status.Error(codes.InvalidArgument, "no such policy")
	}
	client := newClient(t, router.address)
	for range 3 {
		client.RouteOrDefault(t.Context(), query("hello"), pointsman.RankIDs("mine"))
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	routed := client.RouteOrDefault(cancelled, query("hello"), pointsman.RankIDs("mine"))
	if !errors.Is(routed.RouterError, context.Canceled) {
		t.Errorf("a cancelled context gives %v", routed.RouterError)
	}
	counts := client.DefaultCounts()
	want := map[codes.Code]int64{codes.InvalidArgument: 2, codes.Canceled: 1}
	if counts.ByRouter != 1 || counts.ByDefault != 3 || !maps.Equal(counts.ByDefaultPerCode, want) {
		t.Errorf("counts are %+v", counts)
	}
}

func TestTheRankingMayBeEmpty(t *testing.T) {
	routed := newClient(t, deadAddress(t)).RouteOrDefault(t.Context(), nil, pointsman.DefaultRanking{})
	if routed.Response.GetOutcome() != pointsmanv1.Outcome_OUTCOME_INFEASIBLE {
		t.Errorf("routed is %+v", routed)
	}
}

func TestHealthIsToldWhileNotServing(t *testing.T) {
	router := startRouter(t)
	client := newClient(t, router.address)
	if serving, err := client.CheckHealth(t.Context()); err != nil || !serving {
		t.Errorf("serving is %v, %v", serving, err)
	}
	router.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	if serving, err := client.CheckHealth(t.Context()); err != nil || serving {
		t.Errorf("serving is %v, %v", serving, err)
	}
	if _, err := newClient(t, deadAddress(t)).CheckHealth(t.Context()); status.Code(err) != codes.Unavailable {
		t.Errorf("error is %v", err)
	}
}

func TestRoutersThatAreNotServingGetNoCalls(t *testing.T) {
	router := startRouter(t)
	router.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	if _, err := newClient(t, router.address).Route(t.Context(), query("hello")); status.Code(err) != codes.Unavailable {
		t.Errorf("error is %v", err)
	}
	if calls := router.calls.Load(); calls != 0 {
		t.Errorf("%d calls reached it", calls)
	}
	unbalanced := newClient(t, router.address, pointsman.WithoutHealthBalancing())
	if _, err := unbalanced.Route(t.Context(), query("hello")); err != nil {
		t.Error(err)
	}
}

func TestALargerResponseThanAllowedIsRefused(t *testing.T) {
	router := startRouter(t)
	router.onRoute = func(context.Context, int64) (*pointsmanv1.RouteResponse, error) {
		return &pointsmanv1.RouteResponse{CorrelationId: strings.Repeat("x", 5<<20)}, nil
	}
	if _, err := newClient(t, router.address).Route(t.Context(), query("hello")); err != nil {
		t.Errorf("5 MiB: %v", err)
	}
	small := newClient(t, router.address, pointsman.WithMaxResponseBytes(1000))
	if _, err := small.Route(t.Context(), query("hello")); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("error is %v", err)
	}
}

func TestAClosedClientRefuses(t *testing.T) {
	client := newClient(t, startRouter(t).address)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Route(t.Context(), query("hello")); status.Code(err) != codes.Canceled {
		t.Errorf("error is %v", err)
	}
}
