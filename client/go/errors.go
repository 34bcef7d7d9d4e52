package pointsman

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is why there is no answer: what a router objected to, why it could not be asked, or an option
// or request that this package refused. All errors of this package are of this type:
//
//	var failure *pointsman.Error
//	if errors.As(err, &failure) { ... failure.Code() ... }
//
// status.FromError and status.Code of gRPC work on it, too, with every detail kept. errors.Is takes
// DEADLINE_EXCEEDED for context.DeadlineExceeded and CANCELLED for context.Canceled.
type Error struct {
	status *status.Status
	cause  error
	// The message is a sentence of this package about an option or a file, not about a request.
	isSentence bool
}

// FieldViolation is a field of the request and what is wrong with it: its bound and its value.
type FieldViolation struct {
	Field   string
	Problem string
}

// FromStatus is the error of an item of a batch, an [*Error], or nil where status is absent or OK.
func FromStatus(s *statuspb.Status) error {
	if s.GetCode() == int32(codes.OK) {
		return nil
	}
	return &Error{status: status.FromProto(s)}
}

// fromGRPC makes an [*Error] of what gRPC returned.
func fromGRPC(err error) error {
	if err == nil {
		return nil
	}
	// The status as the router sent it: around that of a last attempt gRPC wraps words of its own, which
	// the cause keeps.
	var sent interface{ GRPCStatus() *status.Status }
	if errors.As(err, &sent) && sent.GRPCStatus() != nil {
		return &Error{status: sent.GRPCStatus(), cause: err}
	}
	return &Error{status: status.New(codes.Unknown, err.Error()), cause: err}
}

// invalid is for what a caller of this package got wrong, other than a request.
func invalid(format string, arguments ...any) *Error {
	return &Error{status: status.Newf(codes.InvalidArgument, format, arguments...), isSentence: true}
}

// Code is the gRPC status code; one that gRPC does not define is codes.Unknown.
func (e *Error) Code() codes.Code {
	if c := e.status.Code(); c <= codes.Unauthenticated {
		return c
	}
	return codes.Unknown
}

// Message is the message as it was sent; [Error.Error] is the one to show.
func (e *Error) Message() string { return e.status.Message() }

// FieldViolations is what the router objected to; empty unless it sent a google.rpc.BadRequest.
func (e *Error) FieldViolations() []FieldViolation {
	var violations []FieldViolation
	for _, detail := range e.status.Details() {
		if badRequest, ok := detail.(*errdetails.BadRequest); ok {
			for _, v := range badRequest.GetFieldViolations() {
				violations = append(violations, FieldViolation{v.GetField(), v.GetDescription()})
			}
		}
	}
	return violations
}

// RetryDelay is how long to wait before trying again; false unless the router sent a
// google.rpc.RetryInfo.
func (e *Error) RetryDelay() (time.Duration, bool) {
	for _, detail := range e.status.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.RetryDelay != nil {
			return info.RetryDelay.AsDuration(), true
		}
	}
	return 0, false
}

// GRPCStatus is the status with all its details.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Unwrap is what caused it, such as the error of gRPC or of a file; nil where nothing did.
func (e *Error) Unwrap() error { return e.cause }

// Is lets errors.Is find the errors of package context behind a status.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Code() == codes.DeadlineExceeded
	case context.Canceled:
		return e.Code() == codes.Canceled
	}
	return false
}

// Error is one sentence for people: what failed, the fields at fault, when to try again.
func (e *Error) Error() string {
	message := e.Message()
	if e.isSentence {
		return message
	}
	var fields []string
	for _, violation := range e.FieldViolations() {
		if !strings.Contains(message, violation.Problem) {
			fields = append(fields, violation.Field+": "+violation.Problem)
		}
	}
	if message == "" && len(fields) == 0 {
		message = "no reason was given"
	}
	var parts []string
	if message != "" {
		parts = append(parts, message)
	}
	parts = append(parts, fields...)
	if delay, ok := e.RetryDelay(); ok {
		parts = append(parts, fmt.Sprintf("try again in %d ms", delay.Milliseconds()))
	}
	return lead(e.Code()) + strings.Join(parts, "; ")
}

// lead says what the code means to somebody who does not know gRPC.
func lead(c codes.Code) string {
	switch c {
	case codes.InvalidArgument:
		return "the request is invalid: "
	case codes.Unavailable:
		return "the router cannot be reached or is not serving: "
	case codes.DeadlineExceeded:
		return "the router did not answer in time: "
	case codes.ResourceExhausted:
		return "the router is at a limit: "
	case codes.Unauthenticated:
		return "the router wants a valid API key: "
	case codes.PermissionDenied:
		return "the router does not permit this: "
	case codes.Unimplemented:
		return "the server does not offer this call (is it a Pointsman router?): "
	}
	return "the call failed (" + codeName(c) + "): "
}

// codeName is the name of a code as protocols write it, such as DEADLINE_EXCEEDED.
func codeName(c codes.Code) string { return code.Code(c).String() }

// codeOf is the code of an error of this package.
func codeOf(err error) codes.Code {
	var failure *Error
	if errors.As(err, &failure) {
		return failure.Code()
	}
	return codes.Unknown
}
