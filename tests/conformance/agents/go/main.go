// The conformance agent of the Go client: does what PROTOCOL.md says, one goroutine a command.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"github.com/pointsman/pointsman/client/go"
	pointsmanv1 "github.com/pointsman/pointsman/client/go/pointsman/v1"
)

type command struct {
	ID         string         `json:"id"`
	Op         string         `json:"op"`
	Client     string         `json:"client"`
	Options    connectOptions `json:"options"`
	Request    []byte         `json:"request"` // encoding/json reads base64
	Response   []byte         `json:"response"`
	Catalogue  []byte         `json:"catalogue"`
	Ranking    [][]byte       `json:"ranking"`
	IDs        []string       `json:"ids"`
	DeadlineMS *int64         `json:"deadline_ms"`
}

type connectOptions struct {
	Target                *string   `json:"target"`
	TLS                   *tlsFiles `json:"tls"`
	APIKey                string    `json:"api_key"`
	AllowAPIKeyWithoutTLS bool      `json:"allow_api_key_without_tls"`
	DeadlineMS            *int64    `json:"deadline_ms"`
	MaxAttempts           *int      `json:"max_attempts"`
	InitialBackoffMS      *int64    `json:"initial_backoff_ms"`
	MaxBackoffMS          *int64    `json:"max_backoff_ms"`
	BackoffMultiplier     *float64  `json:"backoff_multiplier"`
	KeepaliveIntervalMS   *int64    `json:"keepalive_interval_ms"`
	KeepaliveTimeoutMS    *int64    `json:"keepalive_timeout_ms"`
	BalanceByHealth       *bool     `json:"balance_by_health"`
	MaxResponseBytes      *int      `json:"max_response_bytes"`
}

type tlsFiles struct {
	CA          string `json:"ca_file"`
	Certificate string `json:"certificate_file"`
	Key         string `json:"key_file"`
	ServerName  string `json:"server_name"`
}

type answer = map[string]any

// agent holds the clients by name.
type agent struct {
	mutex   sync.Mutex
	clients map[string]*pointsman.Client
}

func main() {
	log.SetFlags(0)
	a := &agent{clients: map[string]*pointsman.Client{}}
	if err := a.run(os.Stdin, os.Stdout); err != nil {
		log.Fatalf("agent: %v", err)
	}
}

// run goes on to the end of in, and of everything begun.
func (a *agent) run(in io.Reader, out io.Writer) error {
	var output sync.Mutex
	encoder := json.NewEncoder(out)
	write := func(c command, reply answer) {
		reply["id"] = c.ID
		output.Lock()
		defer output.Unlock()
		if err := encoder.Encode(reply); err != nil {
			log.Fatalf("agent: cannot answer: %v", err)
		}
	}
	var running sync.WaitGroup
	defer running.Wait()
	decoder := json.NewDecoder(bufio.NewReader(in))
	for {
		var c command
		if err := decoder.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if c.Op == "connect" {
			write(c, a.connect(c))
			continue
		}
		running.Add(1)
		go func() {
			defer running.Done()
			write(c, a.do(c))
		}()
	}
}

func (a *agent) connect(c command) answer {
	target, options, err := c.Options.read()
	if err != nil {
		return failure(err)
	}
	client, err := pointsman.New(target, options...)
	if err != nil {
		return failure(err)
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.clients[c.Client] = client
	return answer{"ok": true}
}

func (o connectOptions) read() (target string, options []pointsman.Option, err error) {
	target = pointsman.DefaultTarget
	if o.Target != nil {
		target = *o.Target
	}
	options = []pointsman.Option{pointsman.WithAPIKey(o.APIKey)}
	add := func(option pointsman.Option) { options = append(options, option) }
	if o.TLS != nil {
		config, err := pointsman.LoadTLS(pointsman.TLSFiles(*o.TLS))
		if err != nil {
			return "", nil, err
		}
		add(pointsman.WithTLS(config))
	}
	if o.AllowAPIKeyWithoutTLS {
		add(pointsman.WithAPIKeyWithoutTLS())
	}
	if o.DeadlineMS != nil {
		add(pointsman.WithDeadline(milliseconds(*o.DeadlineMS)))
	}
	retry := pointsman.DefaultRetryPolicy()
	retry.MaxAttempts = valueOr(o.MaxAttempts, retry.MaxAttempts)
	retry.InitialBackoff = millisecondsOr(o.InitialBackoffMS, retry.InitialBackoff)
	retry.MaxBackoff = millisecondsOr(o.MaxBackoffMS, retry.MaxBackoff)
	retry.Multiplier = valueOr(o.BackoffMultiplier, retry.Multiplier)
	add(pointsman.WithRetry(retry))
	if o.KeepaliveIntervalMS != nil || o.KeepaliveTimeoutMS != nil {
		add(pointsman.WithKeepalive(millisecondsOr(o.KeepaliveIntervalMS, 330*time.Second),
			millisecondsOr(o.KeepaliveTimeoutMS, 20*time.Second)))
	}
	if !valueOr(o.BalanceByHealth, true) {
		add(pointsman.WithoutHealthBalancing())
	}
	if o.MaxResponseBytes != nil {
		add(pointsman.WithMaxResponseBytes(*o.MaxResponseBytes))
	}
	return target, options, nil
}

func (a *agent) do(c command) answer {
	switch c.Op {
	case "explain":
		return decoded(c.Response, func(response *pointsmanv1.RouteResponse) answer {
			return answer{"ok": true, "text": pointsman.Explain(response)}
		})
	case "rank_from_catalogue":
		return decoded(c.Catalogue, func(catalogue *pointsmanv1.Catalogue) answer {
			return rankFromCatalogue(catalogue, c.IDs)
		})
	}
	a.mutex.Lock()
	client := a.clients[c.Client]
	a.mutex.Unlock()
	if client == nil {
		return refusal(code.Code_FAILED_PRECONDITION, "no client of the name "+c.Client)
	}
	return ask(client, c)
}

func ask(client *pointsman.Client, c command) answer {
	ctx := context.Background()
	var options []pointsman.CallOption
	if c.DeadlineMS != nil {
		options = append(options, pointsman.WithCallDeadline(milliseconds(*c.DeadlineMS)))
	}
	switch c.Op {
	case "route":
		return decoded(c.Request, func(request *pointsmanv1.RouteRequest) answer {
			return result(client.Route(ctx, request, options...))
		})
	case "batch_route":
		return decoded(c.Request, func(request *pointsmanv1.BatchRouteRequest) answer {
			return result(client.BatchRoute(ctx, request, options...))
		})
	case "get_catalogue":
		return result(client.GetCatalogue(ctx, options...))
	case "check_health":
		serving, err := client.CheckHealth(ctx, options...)
		if err != nil {
			return failure(err)
		}
		if serving {
			return answer{"ok": true, "health": "SERVING"}
		}
		return answer{"ok": true, "health": "NOT_SERVING"}
	case "route_or_default", "explain_routed":
		return decoded(c.Request, func(request *pointsmanv1.RouteRequest) answer {
			return routeOrDefault(ctx, client, c, request, options)
		})
	case "default_counts":
		counts := client.DefaultCounts()
		perCode := map[string]int64{}
		for c, count := range counts.ByDefaultPerCode {
			perCode[code.Code(c).String()] = count
		}
		return answer{"ok": true, "by_router": counts.ByRouter, "by_default": counts.ByDefault,
			"by_default_per_code": perCode}
	case "close":
		if err := client.Close(); err != nil {
			return failure(err)
		}
		return answer{"ok": true}
	}
	return refusal(code.Code_UNIMPLEMENTED, "no such op: "+c.Op)
}

func routeOrDefault(ctx context.Context, client *pointsman.Client, c command, request *pointsmanv1.RouteRequest, options []pointsman.CallOption) answer {
	var ranking pointsman.DefaultRanking
	for _, bytes := range c.Ranking {
		model := &pointsmanv1.Model{}
		if err := proto.Unmarshal(bytes, model); err != nil {
			return refusal(code.Code_INVALID_ARGUMENT, "the ranking holds no model: "+err.Error())
		}
		ranking.Models = append(ranking.Models, model)
	}
	routed := client.RouteOrDefault(ctx, request, ranking, options...)
	if c.Op == "explain_routed" {
		return answer{"ok": true, "text": pointsman.ExplainRouted(routed)}
	}
	reply := result(routed.Response, nil)
	reply["source"] = routed.Source.String()
	reply["unchecked_limits"] = append([]string{}, routed.UncheckedLimits...)
	if routed.RouterError != nil {
		reply["router_error"] = failure(routed.RouterError)
	}
	return reply
}

func rankFromCatalogue(catalogue *pointsmanv1.Catalogue, ids []string) answer {
	ranking, err := pointsman.RankFromCatalogue(catalogue, ids...)
	if err != nil {
		return failure(err)
	}
	models := []string{}
	for _, model := range ranking.Models {
		models = append(models, encoded(model))
	}
	return answer{"ok": true, "ranking": models}
}

// decoded hands the message that bytes hold to then.
func decoded[Message any, Pointer interface {
	*Message
	proto.Message
}](bytes []byte, then func(Pointer) answer) answer {
	message := Pointer(new(Message))
	if err := proto.Unmarshal(bytes, message); err != nil {
		return refusal(code.Code_INVALID_ARGUMENT, "the command holds no message: "+err.Error())
	}
	return then(message)
}

func encoded(message proto.Message) string {
	bytes, err := proto.Marshal(message)
	if err != nil {
		log.Fatalf("agent: cannot encode a message that was received: %v", err)
	}
	return base64.StdEncoding.EncodeToString(bytes)
}

func result[Message proto.Message](response Message, err error) answer {
	if err != nil {
		return failure(err)
	}
	return answer{"ok": true, "response": encoded(response)}
}

func refusal(c code.Code, message string) answer {
	return answer{"ok": false, "code": c.String(), "message": message}
}

func failure(err error) answer {
	var failed *pointsman.Error
	if !errors.As(err, &failed) {
		return refusal(code.Code_UNKNOWN, err.Error())
	}
	reply := refusal(code.Code(failed.Code()), failed.Message())
	var violations []map[string]string
	for _, violation := range failed.FieldViolations() {
		violations = append(violations,
			map[string]string{"field": violation.Field, "problem": violation.Problem})
	}
	if violations != nil {
		reply["field_violations"] = violations
	}
	if delay, ok := failed.RetryDelay(); ok {
		reply["retry_delay_ms"] = delay.Milliseconds()
	}
	return reply
}

func milliseconds(count int64) time.Duration { return time.Duration(count) * time.Millisecond }

func millisecondsOr(count *int64, absent time.Duration) time.Duration {
	if count == nil {
		return absent
	}
	return milliseconds(*count)
}

func valueOr[Value any](value *Value, absent Value) Value {
	if value == nil {
		return absent
	}
	return *value
}
