package compat

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

// recording is what a file of testdata holds: exchanges with one vendor, as its documentation has them.
type recording struct {
	Config    json.RawMessage `json:"config"`
	Models    *listing        `json:"models"`
	Exchanges []exchange      `json:"exchanges"`
}

// listing is an exchange about models.
type listing struct {
	Path   string   `json:"path"`
	Answer reply    `json:"answer"`
	Names  []string `json:"names"`
}

// exchange is what a caller asks, what then goes out, and what comes back.
type exchange struct {
	Name string          `json:"name"`
	Kind inference.Kind  `json:"kind"`
	Ask  json.RawMessage `json:"ask"`
	Sent struct {
		Path   string            `json:"path"`
		Header map[string]string `json:"header"`
		Body   json.RawMessage   `json:"body"`
	} `json:"sent"`
	Answer reply `json:"answer"`
	// Usage is by the names of resources; Total is the vendor's own figure, which the answer holds and the classes sum up to.
	Usage map[string]int64 `json:"usage"`
	Total int64            `json:"total"`
	// Outcome is what an error means.
	Outcome *outcome `json:"outcome"`
}

type outcome struct {
	Category inference.Category `json:"category"`
	Code     string             `json:"code"`
}

// reply is an answer: Body as JSON, Text as it came, or Events as the data of a stream.
type reply struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   json.RawMessage   `json:"body"`
	Text   string            `json:"text"`
	Events []json.RawMessage `json:"events"`
	Lines  []string          `json:"lines"` // comments before the events
}

func (r *reply) write(w http.ResponseWriter) {
	kind := "application/json"
	if r.Events != nil {
		kind = "text/event-stream"
	}
	w.Header().Set("Content-Type", kind)
	for name, value := range r.Header {
		w.Header().Set(name, value)
	}
	if r.Status != 0 {
		w.WriteHeader(r.Status)
	}
	for _, line := range r.Lines {
		_, _ = io.WriteString(w, line+"\n\n")
	}
	for _, data := range r.Events {
		var one bytes.Buffer
		_ = json.Compact(&one, data)
		_, _ = io.WriteString(w, "data: "+one.String()+"\n\n")
	}
	if r.Events != nil {
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	}
	_, _ = w.Write(append(r.Body, r.Text...))
}

const recordedKey = "sk-recorded-0123456789abcdef"

// replay is a vendor that knows one exchange.
type replay struct {
	*testing.T
	recording

	now  *exchange // nil: the models
	sent bool
}

func (p *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.sent = true
	if p.now == nil {
		if r.URL.Path != p.Models.Path || r.Method != http.MethodGet {
			p.Errorf("%s %s, want GET %s", r.Method, r.URL.Path, p.Models.Path)
		}
		p.Models.Answer.write(w)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if want := p.now.Sent.Path; r.Method != http.MethodPost || r.URL.Path != want {
		p.Errorf("%s: %s %s, want POST %s", p.now.Name, r.Method, r.URL.Path, want)
	}
	for name, want := range p.now.Sent.Header {
		if got := r.Header.Get(name); got != want {
			p.Errorf("%s: %s is %q, want %q", p.now.Name, name, got, want)
		}
	}
	if p.now.Sent.Body != nil && !sameJSON(body, p.now.Sent.Body) {
		p.Errorf("%s: went out as %s, want %s", p.now.Name, body, p.now.Sent.Body)
	}
	p.now.Answer.write(w)
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

var formats = map[inference.Kind]wire.Format{
	inference.Chat: openai.Chat, inference.Embeddings: openai.Embeddings, inference.Responses: openai.Responses,
}

// TestRecordings replays every vendor's recording as the relay would run it: what goes out, what it is billed for, and what
// its errors mean. A vendor without a recording fails, and so does a recording without a vendor.
func TestRecordings(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(vendors) {
		t.Fatalf("%d recordings of %d vendors, %v", len(files), len(vendors), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &replay{T: t}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			if err := d.Decode(&p.recording); err != nil {
				t.Fatal(err)
			}
			p.run(rowOf(t, name))
		})
	}
}

func (p *replay) run(a adapter) {
	server := httptest.NewServer(p)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	u, err := a.Open(p.account(a, server.URL, transport))
	if err != nil {
		p.Fatal(err)
	}
	p.list(u)
	bills, fails := false, false
	for i := range p.Exchanges {
		p.now, p.sent = &p.Exchanges[i], false
		p.exchange(u)
		bills, fails = bills || p.now.Total > 0, fails || p.now.Outcome != nil
		if !p.sent {
			p.Errorf("%s: nothing went out", p.now.Name)
		}
	}
	if !bills || !fails {
		p.Error("a recording has at least one answer with usage and one error")
	}
}

// account moves the vendor's own address to the server, with its path.
func (p *replay) account(a adapter, server string, transport http.RoundTripper) provider.Account {
	base, err := provider.ParseBaseURL(a.baseURL, "")
	if err != nil {
		p.Fatal(err)
	}
	return provider.Account{
		BaseURL: server + base.Path, AuthType: bearer, Config: p.Config, Transport: transport,
		Credential: map[string]secret.String{"apiKey": secret.New(recordedKey)},
	}
}

func (p *replay) list(u provider.Upstream) {
	if p.Models == nil {
		return
	}
	got, err := u.(provider.ModelLister).Models(p.Context()) //nolint:forcetypeassert // a compile-time guard says so
	if err != nil || !slices.Equal(got, p.Models.Names) {
		p.Errorf("models %v, %v; want %v", got, err, p.Models.Names)
	}
}

// exchange sends as the relay does: the format reads and edits the request, the adapter sends it.
func (p *replay) exchange(u provider.Upstream) {
	e := p.now
	f := formats[e.Kind]
	ask, err := f.Peek(e.Ask)
	if err != nil {
		p.Fatal(err)
	}
	shape := u.(provider.Shaper).Shape() //nolint:forcetypeassert // a compile-time guard says so
	change := wire.Change{MaxOutputParam: shape.MaxOutputParam, AskUsage: ask.Stream && shape.StreamUsage}
	resp, err := u.Send(p.Context(), &provider.Call{
		Kind: e.Kind, Stream: ask.Stream, Model: ask.Model, Body: f.Edit(nil, e.Ask, &ask, change), ContentType: "application/json",
	})
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	if e.Outcome != nil {
		p.fails(u, resp, body)
		return
	}
	p.bills(f, ask.Stream, resp, body)
}

func (p *replay) fails(u provider.Upstream, resp *http.Response, body []byte) {
	if resp.StatusCode < http.StatusBadRequest {
		p.Errorf("%s: status %d", p.now.Name, resp.StatusCode)
	}
	got := u.Classify(resp, body)
	if got.Category != p.now.Outcome.Category || got.Code != p.now.Outcome.Code {
		p.Errorf("%s: %+v, want %+v", p.now.Name, got, *p.now.Outcome)
	}
	if strings.Contains(got.Message+got.Code, recordedKey) {
		p.Errorf("%s: the key is shown", p.now.Name)
	}
}

// bills meters the answer. The classes must sum up to the total that the vendor states.
func (p *replay) bills(f wire.Format, stream bool, resp *http.Response, body []byte) {
	if resp.StatusCode != http.StatusOK {
		p.Fatalf("%s: status %d, %s", p.now.Name, resp.StatusCode, body)
	}
	m, ok := metered(p.T, f, stream, body)
	got := map[string]int64{}
	for r, n := range m.Usage.Quantities {
		if n != 0 {
			got[inference.Resource(r).String()] = n
		}
	}
	if !ok || !m.Known || !reflect.DeepEqual(got, p.now.Usage) {
		p.Errorf("%s: metered %v, %v; want %v", p.now.Name, got, m.Known, p.now.Usage)
	}
	if sum := m.Usage.InputTokens() + m.Usage.OutputTokens(); sum != p.now.Total {
		p.Errorf("%s: the classes sum up to %d, the vendor's total is %d", p.now.Name, sum, p.now.Total)
	}
	var told bytes.Buffer
	_ = json.Compact(&told, []byte(`[`+string(bytes.ReplaceAll(bytes.TrimSpace(lastData(body)), []byte("\n"), nil))+`]`))
	if !strings.Contains(told.String(), `"total_tokens":`+strconv.FormatInt(p.now.Total, 10)) {
		p.Errorf("%s: no total of %d in %s", p.now.Name, p.now.Total, told.String())
	}
}

// lastData is the last event of a stream that is JSON, or a whole answer.
func lastData(body []byte) []byte {
	events := bytes.Split(body, []byte("data: "))
	for _, e := range slices.Backward(events) {
		if json.Valid(e) {
			return e
		}
	}
	return body
}

func metered(t *testing.T, f wire.Format, stream bool, body []byte) (wire.Metered, bool) {
	t.Helper()
	if !stream {
		return f.Answer(body)
	}
	meter := f.Meter(wire.MeterOptions{HideUsage: true})
	events := sse.NewReader(bytes.NewReader(body), 1<<20)
	for {
		e, err := events.Next()
		if err != nil {
			t.Fatalf("the stream ended with %v", err)
		}
		switch _, sign := meter.Event(e.Raw, e.Data); sign {
		case wire.Ended:
			return meter.Result(), true
		case wire.Broken, wire.Garbled:
			return meter.Result(), false
		case wire.Goes, wire.Finished:
		}
	}
}
