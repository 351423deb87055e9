package all_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/all"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/bedrock"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/ollama"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sse"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

// examples are answers of one adapter's upstream, as its documentation has them: testdata/usage/<adapter>.json beside it, or
// the recordings of compat.
type examples struct {
	Source   string          `json:"source"`
	Config   json.RawMessage `json:"config"`
	Examples []example       `json:"examples"`
	// Exchanges are what recordings of compat call them.
	Exchanges []example `json:"exchanges"`
}

// example is one answer, and what it is billed for.
type example struct {
	Name   string         `json:"name"`
	Kind   inference.Kind `json:"kind"`
	Stream bool           `json:"stream"`
	Answer answered       `json:"answer"`
	// Usage is by the names of resources.
	Usage map[string]int64 `json:"usage"`
	// Total names the figures of the answer that are the provider's own total, or sum up to it.
	Total   json.RawMessage `json:"total"`
	Outcome json.RawMessage `json:"outcome"`
}

// answered is an answer in the form in which it comes.
type answered struct {
	Body   json.RawMessage   `json:"body"`
	Events []json.RawMessage `json:"events"`
	Named  bool              `json:"named"` // events begin with their name
	End    string            `json:"end"`
	Lines  []json.RawMessage `json:"lines"`
	Frames []struct {
		Type    string          `json:"type"`
		Payload json.RawMessage `json:"payload"`
		Bytes   json.RawMessage `json:"bytes"` // what the payload wraps
	} `json:"frames"`
}

// wire returns the answer as it comes, its content type, and the JSON that it is made of.
func (a *answered) wire() (text []byte, contentType string, parts []json.RawMessage) {
	var out bytes.Buffer
	for _, e := range a.Events {
		var typed struct {
			Type string `json:"type"`
		}
		if a.Named && json.Unmarshal(e, &typed) == nil {
			out.WriteString("event: " + typed.Type + "\n")
		}
		out.WriteString("data: " + string(compact(e)) + "\n\n")
	}
	if a.End != "" {
		out.WriteString("data: " + a.End + "\n\n")
	}
	for _, l := range a.Lines {
		out.Write(append(compact(l), '\n'))
	}
	for _, f := range a.Frames {
		payload := f.Payload
		if f.Bytes != nil {
			payload = []byte(`{"bytes":"` + base64.StdEncoding.EncodeToString(f.Bytes) + `"}`)
			parts = append(parts, f.Bytes)
		}
		parts = append(parts, f.Payload)
		out.Write(framed(f.Type, payload))
	}
	switch {
	case a.Body != nil:
		return a.Body, "application/json", []json.RawMessage{a.Body}
	case a.Events != nil:
		return out.Bytes(), "text/event-stream", a.Events
	case a.Lines != nil:
		return out.Bytes(), "application/x-ndjson", a.Lines
	}
	return out.Bytes(), "application/vnd.amazon.eventstream", parts
}

func compact(raw json.RawMessage) []byte {
	var out bytes.Buffer
	_ = json.Compact(&out, raw) // it came out of a JSON file
	return out.Bytes()
}

// framed is a frame of AWS's event stream.
func framed(event string, payload []byte) []byte {
	var headers []byte
	for _, h := range [][2]string{{":message-type", "event"}, {":event-type", event}} {
		headers = append(append(headers, byte(len(h[0]))), h[0]...)
		headers = binary.BigEndian.AppendUint16(append(headers, 7), uint16(len(h[1])))
		headers = append(headers, h[1]...)
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(headers)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	out = append(append(out, headers...), payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}

// figure is the sum of the figures at the paths, each as the last part that has it tells it.
func figure(parts []json.RawMessage, paths []string) (sum int64) {
	for _, path := range paths {
		last := int64(0)
		for _, part := range parts {
			if n, ok := at(part, strings.Split(path, ".")); ok {
				last = n
			}
		}
		sum += last
	}
	return sum
}

func at(raw json.RawMessage, path []string) (n int64, ok bool) {
	if len(path) == 0 {
		return n, json.Unmarshal(raw, &n) == nil && string(raw) != "null"
	}
	var items []json.RawMessage
	if i, err := strconv.Atoi(path[0]); err == nil && json.Unmarshal(raw, &items) == nil && i < len(items) {
		return at(items[i], path[1:])
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members[path[0]] == nil {
		return 0, false
	}
	return at(members[path[0]], path[1:])
}

// formats are what the relay meters by where it speaks the upstream's protocol.
func formatOf(dialect inference.Dialect, kind inference.Kind, stream bool) wire.Format {
	switch dialect {
	case inference.Anthropic:
		return anthropic.Messages
	case inference.Gemini:
		if kind == inference.Embeddings {
			return gemini.Embed{Model: "m"}
		}
		return gemini.Generate{Model: "m", Stream: stream}
	case inference.OpenAI:
		return map[inference.Kind]wire.Format{
			inference.Chat: openai.Chat, inference.Responses: openai.Responses, inference.Embeddings: openai.Embeddings,
			inference.ImageGenerations: openai.ImageGenerations, inference.Transcriptions: openai.Transcriptions, inference.Rerank: openai.Rerank,
		}[kind]
	default:
		return nil
	}
}

// codecs are what it meters by where it translates.
var codecs = map[inference.Dialect]wire.UpstreamCodec{inference.Bedrock: bedrock.Codec, inference.Ollama: ollama.Codec}

// questions are requests of each kind, in the protocol that is metered.
var questions = map[inference.Kind]string{
	inference.Messages:         `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"a"}]`,
	inference.GenerateContent:  `{"contents":[{"parts":[{"text":"a"}]}]`,
	inference.Chat:             `{"model":"m","messages":[{"role":"user","content":"a"}]`,
	inference.Responses:        `{"model":"m","input":"a"`,
	inference.Embeddings:       `{"model":"m","input":"a","content":{"parts":[{"text":"a"}]}`,
	inference.Rerank:           `{"model":"m","query":"q","documents":["a","b"]`,
	inference.ImageGenerations: `{"model":"m","prompt":"a"`,
	inference.Transcriptions:   `{"model":"m","file":"data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="`,
}

// TestNoTokenIsCountedTwice meters the recorded answers of every adapter as the relay does: the lines are those that the
// upstream's documentation means, and together they are the upstream's own total. An adapter without answers fails.
func TestNoTokenIsCountedTwice(t *testing.T) {
	t.Parallel()
	for _, a := range all.Adapters(all.Options{}) {
		d := a.Describe()
		if d.Simulated {
			continue // nobody bills for it, and nothing of it was recorded
		}
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			list := examplesOf(t, d.Name)
			whole, streamed := false, false
			for i := range list {
				e := &list[i]
				whole, streamed = whole || !e.Stream, streamed || e.Stream
				if d.Dialects[e.Kind] == "" {
					t.Fatalf("%s: the upstream has no %s", e.Name, e.Kind)
				}
				e.check(t, a, d.Dialects[e.Kind])
			}
			if converses := hasChat(d.Dialects); !whole || converses && !streamed {
				t.Errorf("whole answers: %v, streams: %v", whole, streamed)
			}
		})
	}
}

func hasChat(dialects map[inference.Kind]inference.Dialect) bool {
	for kind := range dialects {
		if kind.IsChat() {
			return true
		}
	}
	return false
}

// examplesOf reads what was recorded of an adapter.
func examplesOf(t *testing.T, name string) []example {
	t.Helper()
	own, _ := filepath.Glob("../*/testdata/usage/" + name + ".json")
	rows, _ := filepath.Glob("../compat/testdata/" + name + ".json")
	files := slices.Concat(own, rows)
	if len(files) != 1 {
		t.Fatalf("an adapter has one file of answers with usage, testdata/usage/%s.json in its folder: %v", name, files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var read examples
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if len(own) == 1 && read.Source == "" {
		t.Error("answers name their source")
	}
	out := read.Examples
	for _, e := range read.Exchanges {
		if e.Outcome == nil {
			e.Stream = e.Answer.Events != nil
			out = append(out, e)
		}
	}
	return out
}

// check has the upstream answer, meters what comes out of the adapter, and compares.
func (e *example) check(t *testing.T, a provider.Adapter, dialect inference.Dialect) {
	t.Helper()
	text, contentType, parts := e.Answer.wire()
	m := &mouth{status: http.StatusOK, header: http.Header{"Content-Type": {contentType}}, body: text}
	body := []byte(questions[e.Kind] + "}")
	if e.Stream && e.Kind != inference.GenerateContent {
		body = []byte(questions[e.Kind] + `,"stream":true}`)
	}
	c := &provider.Call{Kind: e.Kind, Stream: e.Stream, Model: "m", Body: body, ContentType: "application/json", Attempt: 1}
	resp, err := account(t, a, m).Send(t.Context(), c)
	if err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	defer resp.Body.Close()
	usage, known := e.meter(t, dialect, body, resp.Body)
	got := map[string]int64{}
	for r, n := range usage.Quantities {
		if n != 0 {
			got[inference.Resource(r).String()] = n
		}
	}
	sum := usage.InputTokens() + usage.OutputTokens()
	if sum == 0 {
		sum = usage.Quantities[inference.Search] // which is all that some bill for
	}
	if !known || !reflect.DeepEqual(got, e.Usage) {
		t.Errorf("%s: metered %v, known: %v; want %v", e.Name, got, known, e.Usage)
	}
	if total := e.total(t, parts); sum != total || total == 0 {
		t.Errorf("%s: the lines sum up to %d, the upstream's total is %d", e.Name, sum, total)
	}
}

// total is the upstream's own.
func (e *example) total(t *testing.T, parts []json.RawMessage) int64 {
	t.Helper()
	var paths []string
	var n int64
	if json.Unmarshal(e.Total, &paths) == nil {
		return figure(parts, paths)
	}
	if err := json.Unmarshal(e.Total, &n); err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	return n
}

// meter reads what the adapter gives, as the relay would.
func (e *example) meter(t *testing.T, dialect inference.Dialect, body []byte, src io.ReadCloser) (inference.Usage, bool) {
	t.Helper()
	if codec := codecs[dialect]; codec != nil {
		b := translate.Bridge{Caller: openai.ChatCodec, Upstream: codec, Now: func() time.Time { return time.Unix(1, 0) }}
		crossing, err := b.Request(body, "m", e.Stream, 99)
		if err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		out := crossing.Whole(src)
		if e.Stream {
			out = crossing.Stream(src)
		}
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		return crossing.Usage()
	}
	m := metered(t, formatOf(dialect, e.Kind, e.Stream), body, src, e.Stream)
	for r := range m.Usage.Quantities {
		if m.Guessed.Has(inference.Resource(r)) {
			m.Usage.Quantities[r] = 0 // the upstream does not tell it
		}
	}
	return m.Usage, m.Known
}

func metered(t *testing.T, f wire.Format, body []byte, src io.Reader, stream bool) wire.Metered {
	t.Helper()
	asked, err := f.Peek(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if !stream {
		text, err := io.ReadAll(src)
		if err != nil {
			t.Fatal(err)
		}
		m, ok := f.Answer(text)
		if a, depends := f.(wire.Answerer); depends {
			m, ok = a.AnswerTo(&asked, text)
		}
		if !ok {
			t.Fatalf("%s is no answer", text)
		}
		return m
	}
	m := f.Meter(wire.MeterOptions{HideUsage: true, Ask: &asked, Choices: 1})
	events := sse.NewReader(src, 1<<20)
	for {
		e, err := events.Next()
		if err != nil {
			return m.Result()
		}
		if _, sign := m.Event(e.Raw, e.Data); sign == wire.Broken || sign == wire.Garbled {
			t.Fatalf("%s is no event", e.Data)
		}
	}
}
