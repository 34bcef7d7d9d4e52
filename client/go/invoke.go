package pointsman

import (
	"context"
	"fmt"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// invoke makes one call of the router: deadline before, [*Error] after.
func invoke[Request, Response proto.Message](
	ctx context.Context, client *Client,
	method func(context.Context, Request, ...grpc.CallOption) (Response, error),
	request Request, opts []CallOption,
) (Response, error) {
	var none Response
	ctx, cancel, err := client.start(ctx, opts)
	if err != nil {
		return none, err
	}
	defer cancel()
	response, err := method(ctx, request)
	if err == nil {
		return response, nil
	}
	// gRPC calls a request that it cannot encode INTERNAL.
	if status.Code(err) == codes.Internal {
		if field, problem := invalidText(request.ProtoReflect(), ""); problem != "" {
			return none, refuse(field, problem, err)
		}
	}
	return none, fromGRPC(err)
}

func refuse(field, problem string, cause error) *Error {
	refusal := status.New(codes.InvalidArgument, field+": "+problem)
	violation := &errdetails.BadRequest_FieldViolation{Field: field, Description: problem}
	detailed, err := refusal.WithDetails(
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}})
	if err == nil { // a text of this package that quotes no bytes can always be encoded
		refusal = detailed
	}
	return &Error{status: refusal, cause: cause}
}

// invalidText finds the first string below message that is not valid UTF-8, which no protobuf message
// can carry: the path of its field and what is wrong, or two empty strings.
func invalidText(message protoreflect.Message, prefix string) (field, problem string) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		descriptor := fields.Get(i)
		if !message.Has(descriptor) || descriptor.IsMap() {
			continue // no request has a map
		}
		path := prefix + string(descriptor.Name())
		value := message.Get(descriptor)
		if !descriptor.IsList() {
			if field, problem = invalidValue(descriptor, value, path); problem != "" {
				return field, problem
			}
			continue
		}
		for j := range value.List().Len() {
			element := fmt.Sprintf("%s[%d]", path, j)
			if field, problem = invalidValue(descriptor, value.List().Get(j), element); problem != "" {
				return field, problem
			}
		}
	}
	return "", ""
}

func invalidValue(descriptor protoreflect.FieldDescriptor, value protoreflect.Value, path string) (field, problem string) {
	switch descriptor.Kind() {
	case protoreflect.MessageKind:
		return invalidText(value.Message(), path+".")
	case protoreflect.StringKind:
		text := value.String()
		for at := 0; at < len(text); {
			character, size := utf8.DecodeRuneInString(text[at:])
			if character == utf8.RuneError && size == 1 {
				return path, fmt.Sprintf("must be valid UTF-8; byte %d (0x%02x) is not", at, text[at])
			}
			at += size
		}
	}
	return "", ""
}
