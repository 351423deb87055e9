package surfacetest

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Request is one request and what is expected of its answer.
type Request struct {
	Name   string
	As     string // one of the people, "" is nobody
	Method string
	Path   string // with its query; {name} stands for a value of Values
	Body   string // sent as application/json unless Header says otherwise
	Header map[string]string
	// Operation is the contract's operationId; "" leaves the answer unchecked.
	Operation string
	Status    int
	// Code and At are what an error must say; "" does not look.
	Code, At string
	// Golden compares the answer with testdata/<Name>.json.
	Golden bool
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body into v.
func (a *Answer) JSON(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
}

// Do sends a request.
func (w *World) Do(tb testing.TB, r Request) *Answer {
	tb.Helper()
	req := httptest.NewRequestWithContext(tb.Context(), r.Method, r.Path, strings.NewReader(r.Body))
	if r.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if auth := w.headers[r.As]; auth != "" {
		req.Header.Set("Authorization", auth)
	}
	req.Header.Set("X-Request-Id", "req-1")
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	return w.Serve(req)
}

// Serve sends a request that was made by hand.
func (w *World) Serve(req *http.Request) *Answer {
	rec := httptest.NewRecorder()
	w.Handler.ServeHTTP(rec, req)
	return &Answer{rec.Code, rec.Header(), rec.Body.Bytes()}
}

// Check sends a request and holds the answer against what is expected, the contract and the golden file.
func (w *World) Check(t *testing.T, c *Contract, r Request) *Answer {
	t.Helper()
	a := w.Do(t, r)
	r.Judge(t, c, a)
	return a
}

// Judge holds an answer against what is expected, the contract and the golden file.
func (r Request) Judge(t *testing.T, c *Contract, a *Answer) {
	t.Helper()
	if a.Status != r.Status {
		t.Errorf("%s: status %d, want %d: %s", r.Name, a.Status, r.Status, a.Body)
	}
	if r.Code != "" || r.At != "" {
		checkError(t, r, a)
	}
	if r.Operation != "" {
		if err := c.CheckAnswer(r.Operation, a.Status, a.Body); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
	if r.Golden {
		if r.Operation == "" {
			t.Errorf("%s: a golden answer is an operation's, which holds it against the contract", r.Name)
		}
		golden(t, r.Name, a.Body)
	}
}

func checkError(t *testing.T, r Request, a *Answer) {
	t.Helper()
	var got struct {
		Error struct {
			Code, Message, RequestID, Path string
			Status                         int
		}
	}
	a.JSON(t, &got)
	e := got.Error
	if e.Code != r.Code || e.Path != r.At || e.Status != a.Status || e.Message == "" || e.RequestID != a.Header.Get("X-Request-Id") {
		t.Errorf("%s: error %+v, want code %q at %q", r.Name, e, r.Code, r.At)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

var scrubs = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`), "<id>"},
	{regexp.MustCompile(`_[0-9a-f]{12}7[0-9a-f]{19}`), "_<id>"}, // written without dashes, behind a prefix
	{regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`), "<token>"},
	{regexp.MustCompile(`sk-[0-9A-Za-z]{16}_[0-9A-Za-z]{49}`), "<key>"},
	{regexp.MustCompile(`sk-[0-9A-Za-z]{8}"`), `<prefix>"`},
	{regexp.MustCompile(`"created(_at)?":( ?)\d{10}`), `"created$1":$2"<time>"`}, // of an upstream, which has a clock of its own
}

// golden compares a body, indented and without what chance made, with a file.
func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		t.Fatalf("%s: %v: %s", name, err, body)
	}
	got := scrubbed(strings.TrimSpace(out.String()) + "\n")
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".json")
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs from %s (-want +got); run with -update if that is right:\n%s", name, file, diff)
	}
}

// Fill replaces {name} by values.
func Fill(text string, values map[string]string) string {
	for name, value := range values {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}
