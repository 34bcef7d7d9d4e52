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
	target := cmp.Or(os.Getenv("POINTSMAN_TARGET"), pointsman.DefaultTarget)
	if err := run(context.Background(), target); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, target string) error {
	router, err := pointsman.New(target)
	if err != nil {
		return err // an option is out of bounds
	}
	defer router.Close()
	query := &pointsmanv1.RouteRequest_Text{Text: "Prove that there are infinitely many primes."}
	decision, err := router.Route(ctx, &pointsmanv1.RouteRequest{Input: query})
	if err != nil {
		return err
	}
	fmt.Printf("%s, confidence %.2f\n", decision.GetModel(), decision.GetConfidence())
	return nil
}
