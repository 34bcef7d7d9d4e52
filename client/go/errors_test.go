package pointsman_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pointsman/pointsman/client/go"
)

func TestTheErrorOfABatchItemKeepsItsDetails(t *testing.T) {
	sent := statusWith(t, codes.InvalidArgument, "policy: no policy `x`", &errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "policy", Description: "no policy `x`"}},
	})
	err := fmt.Errorf("item 3: %w", pointsman.FromStatus(sent.Proto()))
	var failure *pointsman.Error
	if !errors.As(err, &failure) || status.Code(err) != codes.InvalidArgument {
		t.Fatalf("error is %v", err)
	}
	want := []pointsman.FieldViolation{{Field: "policy", Problem: "no policy `x`"}}
	if got := failure.FieldViolations(); !slices.Equal(got, want) {
		t.Errorf("violations are %v", got)
	}
	// The message names the field already.
	if got := failure.Error(); got != "the request is invalid: policy: no policy `x`" {
		t.Errorf("sentence is %q", got)
	}
	if _, ok := failure.RetryDelay(); ok {
		t.Error("there is a retry delay")
	}
}

func TestAnItemWithoutErrorHasNone(t *testing.T) {
	for _, s := range []*statuspb.Status{nil, {}} {
		if err := pointsman.FromStatus(s); err != nil {
			t.Errorf("%v gives %v", s, err)
		}
	}
}

func TestACodeThatGRPCDoesNotDefineIsUnknown(t *testing.T) {
	for _, code := range []int32{17, 99, -1} {
		err := pointsman.FromStatus(&statuspb.Status{Code: code})
		var failure *pointsman.Error
		if !errors.As(err, &failure) || failure.Code() != codes.Unknown {
			t.Errorf("%d gives %v", code, err)
		}
		if got := err.Error(); got != "the call failed (UNKNOWN): no reason was given" {
			t.Errorf("sentence is %q", got)
		}
	}
}
