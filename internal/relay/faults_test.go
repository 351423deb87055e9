package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	gosse "github.com/tmaxmax/go-sse"

	"github.com/gantry-ai/gantry/internal/testkit/faultyupstream"
)

// unreachable are faults of upstreams that no request ever gets to. Each returns the base URL and the dialer.
var unreachable = []struct {
	name string
	at   func(t *testing.T) (base string, dial dialer)
	ends ending
}{
	{"the port is closed", func(t *testing.T) (string, dialer) {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		return "http://" + l.Addr().String(), nil
	}, unreached},
	{"nobody answers the connect", func(*testing.T) (string, dialer) {
		return "http://127.0.0.1:9", func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}, late},
	{"the server does not speak TLS", func(t *testing.T) (string, dialer) {
		t.Helper()
		s := faultyupstream.New(t, (*faultyupstream.Exchange).Close)
		return "https://" + s.Address, nil
	}, unreached},
	{"the certificate is not trusted", func(t *testing.T) (string, dialer) {
		t.Helper()
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = quiet
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL, nil
	}, unreached},
	{"the TLS handshake stalls", func(t *testing.T) (string, dialer) {
		t.Helper()
		s := faultyupstream.New(t, (*faultyupstream.Exchange).Close)
		return "https://" + s.Address, silent
	}, unreached},
}

// answering are the faults of upstreams that are reached.
var answering = slices.Concat(beforeTheAnswer, refusals, bodies, oddities, firstEvents, laterEvents)

// callerPatience is far above all deadlines together: a call that takes longer hangs.
const callerPatience = 15 * time.Second

// TestNoFaultHangsOrIsChargedWrong sends a call to every faulty upstream there is, buffered and streamed, and checks what
// the caller gets, who pays, and that nothing is left open.
func TestNoFaultHangsOrIsChargedWrong(t *testing.T) {
	t.Parallel()
	for _, f := range unreachable {
		for mode, body := range bodiesOf(both) {
			t.Run("unreachable/"+f.name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				base, dial := f.at(t)
				r := newRig(t, base+"/v1", faultTransport(t, dial), f.ends.limits())
				r.mustEnd(t, body, strings.SplitAfter(base, "//")[1], f.ends)
			})
		}
	}
	for _, f := range answering {
		for mode, body := range bodiesOf(f.mode) {
			t.Run(f.name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				var r *rig
				up := faultyupstream.New(t, func(e *faultyupstream.Exchange) { f.how(e, r.received) })
				r = newRig(t, "http://"+up.Address+"/v1", faultTransport(t, nil), f.limits())
				r.mustEnd(t, body, up.Address, f.ends)
			})
		}
	}
}

// bodiesOf are the requests that a fault is tried with.
func bodiesOf(m modes) map[string]string {
	all := map[string]string{string(buffered): question, string(stream): streamed}
	if m != both {
		return map[string]string{string(m): all[string(m)]}
	}
	return all
}

// mustEnd sends the request and checks that it ends as it must. address is what no answer may name.
func (r *rig) mustEnd(t *testing.T, body, address string, want ending) {
	t.Helper()
	r.listen(t)
	ctx, cancel := context.WithTimeout(t.Context(), callerPatience)
	defer cancel()
	resp, err := r.post(ctx, t, body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(notify{resp.Body, once(r.received)})
	if err != nil {
		t.Fatalf("the answer has no end: %v, got %q", err, shortened(text))
	}
	streams := strings.Contains(body, `"stream":true`)
	got := read(t, resp, text, streams)
	if got.status != want.status || got.code != want.code || got.text != want.text {
		t.Errorf("the caller got %d %q with text %q, want %d %q with %q",
			got.status, got.code, shortened([]byte(got.text)), want.status, want.code, shortened([]byte(want.text)))
	}
	if shown := header(resp) + string(text); strings.Contains(shown, address) || strings.Contains(shown, upstreamKey) || strings.Contains(shown, "127.0.0.1") {
		t.Errorf("the answer shows the upstream: %s", shortened([]byte(shown)))
	}
	rec := r.only(t)
	if a := lastAttempt(t, rec); a.Category != want.category {
		t.Errorf("the last attempt is said to be %s (%s %s), want %s", a.Category, a.ErrorCode, a.ErrorMessage, want.category)
	}
	pieces := []string{want.text}
	if streams {
		pieces = strings.SplitAfter(want.text, " ")
	}
	price := map[payment]int64{
		nobody: 0, told: int64(cost(10, 20)),
		counted: int64(cost(inputTokens(t, body), estimate(pieces...))),
	}
	if charged := int64(rec.Task.Charged); charged != price[want.pays] {
		t.Errorf("charged %d, want %d: %s pays", charged, price[want.pays], want.pays)
	}
	if rec.Task.Usage.Estimated != (want.pays == counted) {
		t.Errorf("usage %+v, although %s pays", rec.Task.Usage, want.pays)
	}
}

// notify tells when the first byte was read.
type notify struct {
	io.Reader
	tell func()
}

func (n notify) Read(p []byte) (int, error) {
	got, err := n.Reader.Read(p)
	if got > 0 {
		n.tell()
	}
	return got, err
}

// read takes an answer apart as a strict client does.
func read(t *testing.T, resp *http.Response, body []byte, streamed bool) ending {
	t.Helper()
	kind := resp.Header.Get("Content-Type")
	switch {
	case resp.StatusCode != http.StatusOK:
		if kind != jsonType {
			t.Errorf("an error of type %q", kind)
		}
		if hint := resp.Header.Get("Retry-After"); (hint == "") == (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable) {
			t.Errorf("status %d with Retry-After %q", resp.StatusCode, hint)
		}
		return ending{status: resp.StatusCode, code: errorCode(t, body)}
	case streamed:
		if kind != "text/event-stream" {
			t.Errorf("a stream of type %q", kind)
		}
		return readStream(t, body)
	}
	var answer struct {
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Choices) != 1 || kind != jsonType {
		t.Fatalf("%q of type %q: %v", shortened(body), kind, err)
	}
	return ending{status: 200, text: answer.Choices[0].Message.Content}
}

// readStream follows the events: chunks, and then either [DONE] or an error.
func readStream(t *testing.T, body []byte) ending {
	t.Helper()
	got, over := ending{status: 200}, false
	for e, err := range gosse.Read(bytes.NewReader(body), &gosse.ReadConfig{MaxEventSize: 16 << 20}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case over:
			t.Errorf("%q comes behind the end", shortened([]byte(e.Data)))
		case e.Data == "[DONE]":
			over = true
		case strings.HasPrefix(e.Data, `{"error"`):
			got.code, over = errorCode(t, []byte(e.Data)), true
		default:
			got.text += deltaOf(t, e.Data)
		}
	}
	if !over {
		t.Error("the stream ends without [DONE] and without an error")
	}
	return got
}

func deltaOf(t *testing.T, data string) (text string) {
	t.Helper()
	var chunk struct {
		Choices []struct {
			Delta struct {
				Content string `json:"content"`
			} `json:"delta"`
		} `json:"choices"`
	}
	if err := json.Unmarshal([]byte(data), &chunk); err != nil {
		t.Errorf("an event that no client can read, %q: %v", shortened([]byte(data)), err)
	}
	for _, c := range chunk.Choices {
		text += c.Delta.Content
	}
	return text
}

// errorCode reads the error envelope, which has these four members and no others.
func errorCode(t *testing.T, body []byte) string {
	t.Helper()
	var envelope struct {
		Error struct {
			Message *string          `json:"message"`
			Type    *string          `json:"type"`
			Code    *string          `json:"code"`
			Param   *json.RawMessage `json:"param"`
		} `json:"error"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&envelope); err != nil {
		t.Fatalf("%q is no error envelope: %v", shortened(body), err)
	}
	e := envelope.Error
	if e.Message == nil || *e.Message == "" || e.Type == nil || *e.Type == "" || e.Code == nil || !bytes.Contains(body, []byte(`"param":`)) {
		t.Fatalf("the error %q lacks something", body)
	}
	return *e.Code
}

func header(resp *http.Response) string {
	var b strings.Builder
	_ = resp.Header.Write(&b)
	return b.String()
}

func shortened(b []byte) []byte { return b[:min(len(b), 400)] }
