package relay_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/testkit/faultyupstream"
)

// modes say for which requests a fault is tried.
type modes string

const (
	both     modes = "either"
	buffered modes = "buffered"
	stream   modes = "stream"
)

// payment says who pays how much. Source: MONEY section 3.
type payment string

const (
	nobody  payment = "nobody"
	told    payment = "the caller, the upstream's usage"
	counted payment = "the caller, counted here"
)

// ending is how a call must end.
type ending struct {
	category inference.Category // of the last attempt
	status   int                // of the answer
	code     string             // of the error; empty: there is none
	text     string             // what arrived of the answer's text
	pays     payment
}

// misdeed is one way in which an upstream misbehaves.
type misdeed struct {
	name string
	mode modes
	// how is the upstream; received is closed once the caller has the first byte.
	how  func(e *faultyupstream.Exchange, received <-chan struct{})
	ends ending
}

// limits are short where the upstream is silent.
func (m *misdeed) limits() relay.Limits {
	if strings.Contains(m.name, "silence") {
		return impatient
	}
	return m.ends.limits()
}

// limits are short where a deadline is to pass, and long where another fault is to come first on the slowest machine.
func (e *ending) limits() relay.Limits {
	if e.category == inference.Timeout {
		return impatient
	}
	return patient
}

// What upstreams say. Usage is 10 tokens in and 20 out.
const (
	figuresTold = `"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}`
	finishChunk = `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	usageChunk  = `{"choices":[],` + figuresTold + `}`
	jsonType    = "application/json"
	greeting    = "Hello world"
)

func delta(text string) string {
	return `{"choices":[{"index":0,"delta":{"content":` + strconv.Quote(text) + `},"finish_reason":null}]}`
}

func event(data string) string { return "data: " + data + "\n\n" }

// The events of a good stream.
var (
	hello   = event(delta("Hello "))
	world   = event(delta("world"))
	finish  = event(finishChunk)
	figures = event(usageChunk)
	tail    = finish + figures + done
	good    = hello + world + tail
)

// wholeAnswer is a buffered answer with more members behind its choices.
func wholeAnswer(more string) string {
	return `{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"` + greeting + `"},"finish_reason":"stop"}]` + more + `}`
}

// leaky is an error that tells what must stay secret.
func leaky(e *faultyupstream.Exchange, code string) string {
	return fmt.Sprintf(`{"error":{"message":"Incorrect API key provided: %s at http://%s/v1","type":"error","code":%q}}`,
		strings.TrimPrefix(e.Request.Header.Get("Authorization"), "Bearer "), e.Request.Host, code)
}

// refuses answers with a status and an error.
func refuses(status int, code string, lines ...string) func(*faultyupstream.Exchange, <-chan struct{}) {
	return func(e *faultyupstream.Exchange, _ <-chan struct{}) {
		e.Whole(status, jsonType, leaky(e, code), lines...)
	}
}

// streams sends text as a stream that ends in good order.
func streams(text string) func(*faultyupstream.Exchange, <-chan struct{}) {
	return func(e *faultyupstream.Exchange, _ <-chan struct{}) {
		e.Stream()
		e.Chunk(text)
		e.End()
	}
}

// afterHello sends the first event, waits until the caller has it, and goes on as told.
func afterHello(next func(e *faultyupstream.Exchange)) func(*faultyupstream.Exchange, <-chan struct{}) {
	return func(e *faultyupstream.Exchange, received <-chan struct{}) {
		e.Stream()
		e.Chunk(hello)
		select {
		case <-received:
			next(e)
		case <-e.Gone():
			e.Close()
		}
	}
}

// thenText goes on with text and ends in good order.
func thenText(text string) func(*faultyupstream.Exchange, <-chan struct{}) {
	return afterHello(func(e *faultyupstream.Exchange) {
		e.Chunk(text)
		e.End()
	})
}

// simple makes a fault of what needs no other than the exchange.
func simple(f func(*faultyupstream.Exchange)) func(*faultyupstream.Exchange, <-chan struct{}) {
	return func(e *faultyupstream.Exchange, _ <-chan struct{}) { f(e) }
}

// fails is an ending without an answer, for which nobody pays.
func fails(category inference.Category, status int, code string) ending {
	return ending{category: category, status: status, code: code, pays: nobody}
}

var (
	unreached = fails(inference.Connect, 502, "upstream_error")
	garbled   = fails(inference.Protocol, 502, "upstream_bad_response")
	late      = fails(inference.Timeout, 504, "upstream_timeout")
	served    = ending{category: inference.OK, status: 200, text: greeting, pays: told}
	estimated = ending{category: inference.OK, status: 200, text: greeting, pays: counted}
)

// cutOff is a stream that ended with an error after the first event.
func cutOff(category inference.Category, code string) ending {
	return ending{category: category, status: 200, code: code, text: "Hello ", pays: counted}
}

// beforeTheAnswer are faults of the connection and the head.
var beforeTheAnswer = []misdeed{
	{"the connection is closed before the head", both, simple((*faultyupstream.Exchange).Close), unreached},
	{"the connection is reset before the head", both, simple((*faultyupstream.Exchange).Reset), unreached},
	{"the head breaks off", both, simple(func(e *faultyupstream.Exchange) {
		e.Write("HTTP/1.1 200 OK\r\nContent-Ty")
		e.Close()
	}), unreached},
	{"the head is not HTTP", both, simple(func(e *faultyupstream.Exchange) {
		e.Write("220 mail.example ESMTP\r\n")
		e.Close()
	}), unreached},
	{"the head never ends", both, simple(func(e *faultyupstream.Exchange) {
		e.Write("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 1<<20) + "\r\n\r\n")
		e.Close()
	}), unreached},
	{"silence before the head", both, simple((*faultyupstream.Exchange).Stall), late},
	{"silence within the head", both, simple(func(e *faultyupstream.Exchange) {
		e.Write("HTTP/1.1 200 OK\r\n")
		e.Stall()
	}), late},
	{"a reset after the head", both, simple(func(e *faultyupstream.Exchange) {
		e.Stream()
		e.Reset()
	}), garbled},
	{"silence after the head", both, simple(func(e *faultyupstream.Exchange) {
		e.Stream()
		e.Stall()
	}), late},
}

// refusals are answers that say no.
var refusals = []misdeed{
	{"302, a redirect", both, refuses(302, "", "Location: http://127.0.0.1:1/"), fails(inference.Protocol, 502, "upstream_bad_response")},
	{"400, the request is at fault", both, refuses(400, "invalid_value"), fails(inference.InvalidRequest, 400, "invalid_parameter")},
	{"400, context_length_exceeded", both, refuses(400, "context_length_exceeded"), fails(inference.ContextLength, 400, "context_length_exceeded")},
	{"400, content_policy_violation", both, refuses(400, "content_policy_violation"), fails(inference.ContentPolicy, 400, "content_policy_violation")},
	{"401", both, refuses(401, "invalid_api_key"), fails(inference.Authentication, 502, "upstream_error")},
	{"402", both, refuses(402, ""), fails(inference.QuotaExhausted, 502, "upstream_error")},
	{"403", both, refuses(403, ""), fails(inference.Permission, 502, "upstream_error")},
	{"404", both, refuses(404, "model_not_found"), fails(inference.NotFound, 502, "upstream_error")},
	{"429 with Retry-After", both, refuses(429, "rate_limit_exceeded", "Retry-After: 7"), fails(inference.RateLimited, 429, "rate_limit")},
	{"429 without Retry-After", both, refuses(429, "rate_limit_exceeded"), fails(inference.RateLimited, 429, "rate_limit")},
	{"429, insufficient_quota", both, refuses(429, "insufficient_quota"), fails(inference.QuotaExhausted, 502, "upstream_error")},
	{"500", both, refuses(500, "server_error"), fails(inference.ServerError, 502, "upstream_error")},
	{"503", both, refuses(503, ""), fails(inference.Overloaded, 503, "upstream_error")},
	{"500 whose body breaks off", both, simple(func(e *faultyupstream.Exchange) {
		e.Head(500, "Content-Type: application/json", "Content-Length: 1000")
		e.Write(`{"error":`)
		e.Close()
	}), fails(inference.ServerError, 502, "upstream_error")},
	{"500 and silence in its body", both, simple(func(e *faultyupstream.Exchange) {
		e.Head(500, "Content-Type: application/json", "Content-Length: 1000")
		e.Write(`{"error":`)
		e.Stall()
	}), fails(inference.ServerError, 502, "upstream_error")},
	{"200 with an error in JSON", both, refuses(200, "server_error"), garbled},
	{"200 with a page of HTML", both, simple(func(e *faultyupstream.Exchange) {
		e.Whole(200, "text/html", "<html>\n<body>\n\nThe gateway at "+e.Request.Host+" is busy</body></html>\n\n")
	}), garbled},
	{"200 with nothing", both, simple(func(e *faultyupstream.Exchange) { e.Whole(200, jsonType, "") }), garbled},
}

// bodies are faults of a buffered answer.
var bodies = []misdeed{
	{"no fault", buffered, simple(func(e *faultyupstream.Exchange) { e.Whole(200, jsonType, wholeAnswer(","+figuresTold)) }), served},
	{"the body byte by byte", buffered, simple(func(e *faultyupstream.Exchange) {
		e.Drip("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + wholeAnswer(","+figuresTold))
		e.Close()
	}), served},
	{"200 without usage", buffered, simple(func(e *faultyupstream.Exchange) { e.Whole(200, jsonType, wholeAnswer("")) }), estimated},
	{"200 with usage that cannot be", buffered, simple(func(e *faultyupstream.Exchange) {
		e.Whole(200, jsonType, wholeAnswer(`,"usage":{"prompt_tokens":10,"completion_tokens":-1}`))
	}), estimated},
	{"200 with broken JSON", buffered, simple(func(e *faultyupstream.Exchange) { e.Whole(200, jsonType, wholeAnswer("")[:40]) }), garbled},
	{"200 with a page said to be JSON", buffered, simple(func(e *faultyupstream.Exchange) { e.Whole(200, jsonType, "<html>") }), garbled},
	{"a cut in the body", buffered, simple(func(e *faultyupstream.Exchange) {
		e.Head(200, "Content-Length: 1000")
		e.Write(wholeAnswer("")[:40])
		e.Close()
	}), garbled},
	{"a reset in the body", buffered, simple(func(e *faultyupstream.Exchange) {
		e.Head(200, "Content-Length: 1000")
		e.Write(wholeAnswer("")[:40])
		e.Reset()
	}), garbled},
	{"silence in the body", buffered, simple(func(e *faultyupstream.Exchange) {
		e.Head(200, "Content-Length: 1000")
		e.Write(wholeAnswer("")[:40])
		e.Stall()
	}), late},
	{"Content-Length is too short", buffered, simple(func(e *faultyupstream.Exchange) {
		e.Head(200, "Content-Length: 40")
		e.Write(wholeAnswer("," + figuresTold))
		e.Close()
	}), garbled},
	{"a chunk breaks off", buffered, simple(func(e *faultyupstream.Exchange) {
		e.Stream()
		e.Chunk(wholeAnswer("")[:40])
		e.Write("ff\r\n" + wholeAnswer("")[40:])
		e.Close()
	}), garbled},
	{"a chunk's size is no number", buffered, simple(func(e *faultyupstream.Exchange) {
		e.Stream()
		e.Write("zz\r\n")
		e.Stall()
	}), garbled},
}

// giant is text that makes an event larger or smaller than the limit of 8 MiB.
func giant(size int) string { return strings.Repeat("x", size) }

// oddities are streams that are unusual, and right all the same.
var oddities = []misdeed{
	{"no fault", stream, streams(good), served},
	{"every byte in a write of its own", stream, simple(func(e *faultyupstream.Exchange) {
		e.Head(200, "Content-Type: text/event-stream", "Connection: close")
		e.Drip(good)
		e.Close()
	}), served},
	{"every byte in a chunk of its own", stream, simple(func(e *faultyupstream.Exchange) {
		e.Stream()
		for i := range len(good) {
			e.Chunk(good[i : i+1])
		}
		e.End()
	}), served},
	{"lines end with CRLF", stream, streams(strings.ReplaceAll(good, "\n", "\r\n")), served},
	{"lines end with CR", stream, streams(strings.ReplaceAll(good, "\n", "\r")), served},
	{"comments between events", stream, streams(": hello\n\n:\n\n" + hello + ": still here\n\n: and here\n" + world + ":\n\n" + tail), served},
	{"empty data", stream, streams("data:\n\n" + hello + "data: \n\n: and\n\ndata\n\n" + world + tail), served},
	{"events without data", stream, streams("retry: 3000\n\n" + hello + "event: ping\n\nid: 7\n\n" + world + tail), served},
	{"event, id and retry fields", stream, streams("event: message\nid: 1\nretry: 5\n" + hello + "id: 2\n" + world + tail), served},
	{"data in several lines", stream, streams(strings.Replace(hello, `,"delta"`, ",\ndata: \"delta\"", 1) + world + tail), served},
	{"a byte order mark", stream, streams("\xEF\xBB\xBF" + good), served},
	{"bytes that are not UTF-8", stream, streams(strings.Replace(good, "world", "w\xff\xfed", 1)), ending{
		category: inference.OK, status: 200, text: "Hello w\uFFFD\uFFFDd", pays: told,
	}},
	{"an event just below the limit", stream, streams(event(delta(giant(8<<20-200))) + tail), ending{
		category: inference.OK, status: 200, text: giant(8<<20 - 200), pays: told,
	}},
	{"rubbish behind [DONE]", stream, streams(good + "data: {\"choices\":[{\"delta\":{\"content\":\"more\"}}]}\n\n\x00rubbish"), served},
	{"no usage", stream, streams(hello + world + finish + done), estimated},
	{"no [DONE], but a finish reason", stream, streams(hello + world + finish + figures), served},
	{"no [DONE], no blank line at the end", stream, streams(hello + world + strings.TrimRight(finish, "\n")), estimated},
	{"a reset behind the finish reason", stream, afterHello(func(e *faultyupstream.Exchange) {
		e.Chunk(world + finish)
		e.Reset()
	}), estimated},
	{"silence behind the finish reason", stream, afterHello(func(e *faultyupstream.Exchange) {
		e.Chunk(world + finish)
		e.Stall()
	}), estimated},
	{"the content type is not that of a stream", stream, simple(func(e *faultyupstream.Exchange) { e.Whole(200, "text/plain", good) }), served},
	{"Content-Length is too long", stream, simple(func(e *faultyupstream.Exchange) {
		e.Head(200, "Content-Type: text/event-stream", "Content-Length: 100000")
		e.Write(good)
		e.Close()
	}), served},
	{"chunks break off behind [DONE]", stream, simple(func(e *faultyupstream.Exchange) {
		e.Stream()
		e.Chunk(good)
		e.Close()
	}), served},
}

// beats sends the same event again and again.
func beats(text string) func(*faultyupstream.Exchange, <-chan struct{}) {
	return simple(func(e *faultyupstream.Exchange) {
		e.Stream()
		beat := time.NewTicker(50 * time.Millisecond)
		defer beat.Stop()
		for {
			select {
			case <-beat.C:
				e.Chunk(text)
			case <-e.Gone():
				e.Close()
				return
			}
		}
	})
}

// firstEvents are faults in place of the first event: nothing was delivered yet.
var firstEvents = []misdeed{
	{"nothing but comments, without end", stream, beats(": alive\n\n"), late},
	{"nothing but empty data, without end", stream, beats("data:\n\n"), late},
	{"an error as the first event", stream, streams(event(`{"error":{"message":"boom","code":"server_error"}}`)), fails(inference.ServerError, 502, "upstream_error")},
	{"the first event is broken JSON", stream, streams(event(delta("Hello ")[:50]) + world + tail), garbled},
	{"a cut in the first event", stream, simple(func(e *faultyupstream.Exchange) {
		e.Stream()
		e.Chunk(hello[:40])
		e.Close()
	}), garbled},
	{"the first event is larger than the limit", stream, streams(event(delta(giant(9<<20))) + tail), garbled},
	{"a whole answer instead of a stream", stream, simple(func(e *faultyupstream.Exchange) { e.Whole(200, jsonType, wholeAnswer(","+figuresTold)) }), garbled},
}

// laterEvents are faults behind the first event.
var laterEvents = []misdeed{
	{"a cut between events", stream, afterHello((*faultyupstream.Exchange).Close), cutOff(inference.Protocol, "upstream_bad_response")},
	{"a reset between events", stream, afterHello((*faultyupstream.Exchange).Reset), cutOff(inference.Protocol, "upstream_bad_response")},
	{"a cut in an event", stream, afterHello(func(e *faultyupstream.Exchange) {
		e.Chunk(world[:30])
		e.Close()
	}), cutOff(inference.Protocol, "upstream_bad_response")},
	{"a chunk breaks off", stream, afterHello(func(e *faultyupstream.Exchange) {
		e.Write("ff\r\n" + world[:30])
		e.Close()
	}), cutOff(inference.Protocol, "upstream_bad_response")},
	{"Content-Length is too short", stream, simple(func(e *faultyupstream.Exchange) {
		e.Head(200, "Content-Type: text/event-stream", "Content-Length: "+strconv.Itoa(len(hello)+30))
		e.Write(good)
		e.Close()
	}), cutOff(inference.Protocol, "upstream_bad_response")},
	{"an end in good order, without finish reason and [DONE]", stream, thenText(""), cutOff(inference.Protocol, "upstream_bad_response")},
	{"silence between events", stream, afterHello((*faultyupstream.Exchange).Stall), cutOff(inference.Timeout, "upstream_timeout")},
	{"silence in an event", stream, afterHello(func(e *faultyupstream.Exchange) {
		e.Chunk(world[:30])
		e.Stall()
	}), cutOff(inference.Timeout, "upstream_timeout")},
	{"an error as an event", stream, thenText(event(`{"error":{"message":"boom"}}`) + world + tail), cutOff(inference.ServerError, "upstream_error")},
	{"an error, and usage before it", stream, thenText(figures + event(`{"error":{"message":"boom"}}`)), ending{
		category: inference.ServerError, status: 200, code: "upstream_error", text: "Hello ", pays: told,
	}},
	{"JSON cut inside an event", stream, thenText(event(delta("world")[:60]) + tail), cutOff(inference.Protocol, "upstream_bad_response")},
	{"JSON that lacks its last braces", stream, thenText(event(strings.TrimSuffix(delta("world"), "}]}")+"}") + tail), cutOff(inference.Protocol, "upstream_bad_response")},
	{"two JSON objects in an event", stream, thenText(event(delta("wor")+delta("ld")) + tail), cutOff(inference.Protocol, "upstream_bad_response")},
	{"two JSON objects on two data lines", stream, thenText("data: " + delta("wor") + "\ndata: " + delta("ld") + "\n\n" + tail), cutOff(inference.Protocol, "upstream_bad_response")},
	{"an event larger than the limit", stream, thenText(event(delta(giant(9<<20))) + tail), cutOff(inference.Protocol, "upstream_bad_response")},
	{"an event that never ends", stream, afterHello(func(e *faultyupstream.Exchange) {
		for range 9 {
			e.Chunk(giant(1 << 20))
		}
		e.Stall()
	}), cutOff(inference.Protocol, "upstream_bad_response")},
}
