// Asks the router at POINTSMAN_TARGET, or the one on this host, which model should answer.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"

	"github.com/pointsman/pointsman/client/go"
	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	router, err := pointsman.New(cmp.Or(os.Getenv("POINTSMAN_TARGET"), pointsman.DefaultTarget))
	if err != nil {
		return err
	}
	defer router.Close()
	response, err := router.Route(ctx, &pointsmanv1.RouteRequest{
		Input: &pointsmanv1.RouteRequest_Text{Text: "Prove that there are infinitely many primes."},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s, confidence %.2f\n", response.GetModel(), response.GetConfidence())
	return nil
}
