// Takes the router's decision, or the first of two models of its own where no router answers, and
// explains it.
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
	router, err := pointsman.New(cmp.Or(os.Getenv("POINTSMAN_TARGET"), pointsman.DefaultTarget))
	if err != nil {
		log.Fatal(err)
	}
	defer router.Close()
	routed := router.RouteOrDefault(context.Background(), &pointsmanv1.RouteRequest{
		Input:   &pointsmanv1.RouteRequest_Text{Text: "Why does my loop never end?"},
		Explain: true,
	}, pointsman.RankIDs("my-default", "my-second"))
	fmt.Print(pointsman.ExplainRouted(routed))
}
