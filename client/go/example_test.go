package pointsman_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/pointsman/pointsman/client/go"
	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

func Example() {
	router, err := pointsman.New("127.0.0.1:7431")
	if err != nil {
		log.Fatal(err) // an option is out of bounds: err says which
	}
	defer router.Close()
	request := &pointsmanv1.RouteRequest{Input: &pointsmanv1.RouteRequest_Text{Text: "What is 2 + 2?"}}
	routed := router.RouteOrDefault(context.Background(), request, pointsman.RankIDs("my-default"))
	fmt.Println(routed.Response.GetModel())
}

func ExampleNew_mutualTLS() {
	config, err := pointsman.LoadTLS(pointsman.TLSFiles{
		CA: "ca.pem", Certificate: "client.pem", Key: "client.key",
	})
	if err != nil {
		log.Fatal(err)
	}
	router, err := pointsman.New("dns:///router.example:7431",
		pointsman.WithTLS(config), pointsman.WithAPIKey("key"), pointsman.WithDeadline(500*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer router.Close()
}

func ExampleError() {
	router, err := pointsman.New(pointsman.DefaultTarget)
	if err != nil {
		log.Fatal(err)
	}
	defer router.Close()
	_, err = router.Route(context.Background(), &pointsmanv1.RouteRequest{Policy: "no-such-policy"})
	var failure *pointsman.Error
	if !errors.As(err, &failure) {
		return
	}
	switch failure.Code() {
	case codes.InvalidArgument:
		for _, violation := range failure.FieldViolations() {
			fmt.Println(violation.Field, violation.Problem)
		}
	case codes.ResourceExhausted:
		if delay, ok := failure.RetryDelay(); ok {
			time.Sleep(delay)
		}
	}
}

func ExampleDecideByDefault() {
	response, unchecked := pointsman.DecideByDefault(pointsman.RankIDs("first", "second"),
		&pointsmanv1.RouteRequest{Requirements: &pointsmanv1.Requirements{DenyModels: []string{"first"}}})
	fmt.Println(response.GetModel(), unchecked)
	// Output: second []
}
