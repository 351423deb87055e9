package simulation

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// header asks for a fault or another pace: "fault=cut;after=5", "pace=40", "tokens=200".
const header = "X-Simulation"

// The faults.
const (
	fault429       = "429"
	fault500       = "500"
	faultHang      = "hang"             // no answer; with after=N a stream that stops after N tokens
	faultSlow      = "slow_first_token" // the first token comes after ms (3000)
	faultCut       = "cut"              // the connection breaks after N tokens (3)
	faultFlaky     = "flaky"            // the first attempt fails
	faultMalformed = "malformed"        // what comes, or comes after N tokens, is not JSON
	faultNoUsage   = "no_usage"
	faultPolicy    = "content_policy" // the request is refused for what it says
	faultFail      = "fail"           // a job fails at after percent (50); any other call as with 500
)

// plan is how a call is to go.
type plan struct {
	fault  string
	after  int
	ms     int
	pace   int // tokens per second; 0: no pause
	tokens int // the length of the answer's text; 0: its own
}

const codeContentPolicy = "content_policy_violation"

const (
	maxAfter  = 1_000_000
	maxMillis = 3_600_000
	maxLength = 100_000
)

// parsePlan reads the header; pace is what goes without it.
func parsePlan(text string, pace int) (plan, *failure) {
	p := plan{pace: pace, after: -1}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var ok bool
		switch name {
		case "fault":
			p.fault, ok = value, knownFault(value)
		case "after":
			p.after, ok = number(value, maxAfter)
		case "ms":
			p.ms, ok = number(value, maxMillis)
		case "pace":
			p.pace, ok = number(value, maxPace)
		case "tokens":
			p.tokens, ok = number(value, maxLength)
		}
		if !ok {
			return p, badPlan(part)
		}
	}
	p.complete()
	return p, nil
}

// complete fills in what faults need and was not said.
func (p *plan) complete() {
	if p.after < 0 {
		p.after = 0
		if p.fault == faultCut || p.fault == faultMalformed {
			p.after = 3
		}
	}
	if p.fault == faultSlow && p.ms == 0 {
		p.ms = 3000
	}
	if p.fault == faultFail && p.after == 0 {
		p.after = 50
	}
}

func knownFault(name string) bool {
	switch name {
	case fault429, fault500, faultHang, faultSlow, faultCut, faultFlaky, faultMalformed, faultNoUsage, faultPolicy, faultFail:
		return true
	}
	return false
}

func number(text string, highest int) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n <= highest
}

func badPlan(part string) *failure {
	return &failure{
		status: http.StatusBadRequest, code: "invalid_value", param: header,
		message: "Unknown simulation instruction '" + provider.Scrub(part) + "'. Known are fault=429|500|hang|slow_first_token|cut|flaky|" +
			"malformed|no_usage|content_policy|fail, after=, ms=, pace= and tokens=, separated by semicolons.",
	}
}

// refuse returns the error answer that the plan wants for the given attempt, if any.
func (p *plan) refuse(attempt int) *failure {
	switch {
	case p.fault == fault429:
		wait := "1"
		if p.ms > 0 {
			wait = strconv.Itoa((p.ms + 999) / 1000)
		}
		return &failure{status: http.StatusTooManyRequests, code: "rate_limit_exceeded", message: "Simulated rate limit.", retryAfter: wait}
	case p.fault == faultPolicy:
		return bad("", codeContentPolicy, "Simulated refusal of the request for what it says.")
	case p.fault == fault500:
		return &failure{status: http.StatusInternalServerError, code: "server_error", message: "Simulated failure of the server."}
	case p.fault == faultFlaky && attempt <= 1:
		return &failure{status: http.StatusServiceUnavailable, code: "engine_overloaded", message: "Simulated overload; the next attempt succeeds."}
	}
	return nil
}

// firstToken is how long the first token takes.
func (p *plan) firstToken() time.Duration {
	if p.fault == faultSlow {
		return time.Duration(p.ms) * time.Millisecond
	}
	return 0
}

// spend is how long n tokens take.
func (p *plan) spend(n int) time.Duration {
	if p.pace == 0 {
		return 0
	}
	return time.Duration(n) * time.Second / time.Duration(p.pace)
}

// failure is an error answer.
type failure struct {
	status               int
	code, param, message string
	retryAfter           string
}

func (f *failure) response(c *provider.Call) *http.Response {
	r := respond(c, f.status, wire.ErrorBody(f.status, "", f.code, f.param, f.message))
	if f.retryAfter != "" {
		r.Header.Set("Retry-After", f.retryAfter)
	}
	return r
}

func respond(c *provider.Call, status int, body []byte) *http.Response {
	r := response(c, status, "application/json", io.NopCloser(bytes.NewReader(body)))
	r.ContentLength = int64(len(body))
	return r
}

func response(c *provider.Call, status int, contentType string, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}, "X-Request-Id": {"sim-" + c.RequestID}}, Body: body, ContentLength: -1,
	}
}
