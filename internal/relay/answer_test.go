package relay_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// rules are prices in USD of a resource each: its name, a price and the unit of that.
func rules(prices ...string) string {
	var list []string
	for _, r := range prices {
		f := strings.Fields(r)
		list = append(list, `{"resourceType":"`+f[0]+`","unit":"`+f[2]+`","basePrice":`+f[1]+`}`)
	}
	return `{"currency":"USD","rules":[` + strings.Join(list, ",") + `]}`
}

// audible is a bench whose platforms speak, listen, rank and judge.
func audible(t *testing.T, prices string) *bench {
	t.Helper()
	return studio(t, nil, prices, inference.TypeChat, inference.TypeTTS, inference.TypeSTT, inference.TypeRerank, inference.TypeModeration)
}

// request sends a request of a format through the relay.
func (b *bench) request(t *testing.T, f wire.Format, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	b.serve(t.Context(), w, f, body)
	return w
}

// chunks is a body that comes in pieces, and ends with an error unless that is nil.
type chunks struct {
	pieces []string
	err    error
	before func(n int) // the n-th read
	n      int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.before != nil {
		c.before(c.n)
	}
	c.n++
	if len(c.pieces) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		return 0, io.EOF
	}
	n := copy(p, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; c.pieces[0] == "" {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}

func (*chunks) Close() error { return nil }

// sounding answers with a body of a type.
func sounding(kind string, body io.ReadCloser) func(context.Context, *provider.Call) (*http.Response, error) {
	return func(context.Context, *provider.Call) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kind}}, Body: body, ContentLength: -1}, nil
	}
}

const (
	spoken    = `{"model":"m","input":"0123456789","response_format":"pcm"}`
	oneLetter = 48_000 / 15 * 1 // bytes of plain samples that a letter takes
)

func TestSpeechIsPricedByWhatHasAPrice(t *testing.T) {
	t.Parallel()
	sound := strings.Repeat("\x00\x01", 48_000) // two seconds
	for _, c := range []struct {
		name, prices, charged, usage string
		estimated                    bool
	}{
		{"characters", rules("characters 0.001 character", "text_input 5 1m_tokens", "audio_second 9 second"), "0.01", "audio_second 2 characters 10", false},
		{"seconds", rules("audio_second 0.25 second", "text_input 5 1m_tokens"), "0.5", "audio_second 2 characters 10", false},
		{"minutes", rules("audio_second 0.6 minute"), "0.02", "audio_second 2 characters 10", false},
		{"tokens", rules("text_input 1000 1m_tokens", "audio_output 100 1m_tokens"), "0.007", "text_input 3 audio_output 40 audio_second 2 characters 10", true},
		{"calls", rules("request 0.3 request"), "0.3", "", false},
		{"both", rules("request 0.3 request", "characters 0.001 character"), "0.31", "audio_second 2 characters 10", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := audible(t, c.prices)
			b.first.answer = sounding("audio/pcm", &chunks{pieces: []string{sound[:10], sound[10:30_000], sound[30_000:]}})
			w := b.request(t, openai.Speech, spoken)
			if w.Code != 200 || w.Header().Get("Content-Type") != "audio/pcm" || w.Body.String() != sound {
				t.Fatalf("%d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
			}
			r := b.charged(t, c.charged)
			if r.Task.Usage.Estimated != c.estimated || r.Task.Status != tasks.Succeeded || c.usage != "" && unitsOf(&r.Task.Usage) != c.usage {
				t.Errorf("%s, estimated %v, %s", unitsOf(&r.Task.Usage), r.Task.Usage.Estimated, r.Task.Status)
			}
			if held := r.Task.Held; held < r.Task.Charged {
				t.Errorf("held %v, charged %v", held, r.Task.Charged)
			}
		})
	}
}

// unitsOf is a usage as text.
func unitsOf(u *inference.Usage) string {
	var out []string
	for r, n := range u.Quantities {
		if n != 0 {
			out = append(out, inference.Resource(r).String()+" "+itoa(n))
		}
	}
	return strings.Join(out, " ")
}

func itoa(n int64) string {
	return strconv.FormatInt(n, 10)
}

// TestWithoutAPriceNobodyIsCalled: what has no price is refused before it is sent, and so is what the wallet does not cover.
func TestWithoutAPriceNobodyIsCalled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prices string
		status int
		code   string
	}{
		"no price":       {rules("image 1 image"), 400, "price_unpriced"},
		"empty pockets":  {rules("characters 5 character"), 402, "insufficient_balance"},
		"seconds at all": {rules("audio_second 5 second"), 402, "insufficient_balance"},
	} {
		b := audible(t, c.prices)
		w := b.request(t, openai.Speech, spoken)
		if len(b.first.calls) != 0 || w.Code == 200 || !strings.Contains(w.Body.String(), c.code) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// TestSoundThatIsNoneIsTriedElsewhere: an upstream that answers with an error in place of sound has not begun.
func TestSoundThatIsNoneIsTriedElsewhere(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]*chunks{
		"an error": {pieces: []string{`{"error":{"message":"no"}}`}}, "a page": {pieces: []string{"<!doctype html><p>"}},
		"nothing": {}, "a cut": {pieces: []string{"\x00\x01"}, err: io.ErrUnexpectedEOF},
	} {
		b := audible(t, rules("characters 0.001 character"))
		b.first.answer = sounding("audio/mpeg", body)
		b.second.answer = sounding("audio/mpeg", &chunks{pieces: []string{"sound"}})
		if w := b.request(t, openai.Speech, spoken); w.Code != 200 || w.Body.String() != "sound" {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
		if r := b.charged(t, "0.01"); r.Task.AttemptCount != 3 { // two at the first platform
			t.Errorf("%s: %d attempts", name, r.Task.AttemptCount)
		}
	}
}

// TestTheLastPieceWaitsForTheCharge: of two pieces that have come the first is delivered, the other only with its record.
func TestTheLastPieceWaitsForTheCharge(t *testing.T) {
	t.Parallel()
	b := audible(t, rules("characters 0.001 character"))
	w := httptest.NewRecorder()
	var seen []int
	b.first.answer = sounding("audio/mpeg", &chunks{pieces: []string{"one", "two", "three"}, before: func(int) { seen = append(seen, w.Body.Len()) }})
	b.serve(t.Context(), w, openai.Speech, spoken)
	if want := []int{0, 0, 3, 6}; len(seen) != len(want) || seen[2] != want[2] || seen[3] != want[3] || w.Body.String() != "onetwothree" {
		t.Errorf("delivered %v before each read, at last %q", seen, w.Body)
	}
}

// TestWhoLeavesPaysForWhatWasSaid: the upstream had the text.
func TestWhoLeavesPaysForWhatWasSaid(t *testing.T) {
	t.Parallel()
	b := audible(t, rules("characters 0.001 character"))
	ctx, leave := context.WithCancel(t.Context())
	b.first.answer = func(context.Context, *provider.Call) (*http.Response, error) {
		body := &chunks{pieces: []string{"one", "two", "three", "four"}, err: context.Canceled}
		body.before = func(n int) {
			if n == 3 {
				leave()
				body.pieces = nil
			}
		}
		return sounding("audio/mpeg", body)(ctx, nil)
	}
	w := httptest.NewRecorder()
	b.serve(ctx, w, openai.Speech, spoken)
	if r := b.charged(t, "0.01"); r.Task.Status != tasks.Canceled || r.Task.BillReason != "client_gone" || w.Body.Len() == 0 {
		t.Errorf("%s, %s, %d bytes", r.Task.Status, r.Task.BillReason, w.Body.Len())
	}
}

// TestACutIsACutForTheCaller: an answer that breaks off must not look complete.
func TestACutIsACutForTheCaller(t *testing.T) {
	t.Parallel()
	b := audible(t, rules("characters 0.001 character"))
	b.first.answer = sounding("audio/mpeg", &chunks{pieces: []string{"one", "two", "three"}, err: io.ErrUnexpectedEOF})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { b.serve(t.Context(), w, openai.Speech, spoken) }))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "onetwo" {
		t.Errorf("%q, %v", got, err)
	}
	if r := b.charged(t, "0.01"); r.Task.BillReason != "cut" || r.Task.Status != tasks.Failed {
		t.Errorf("%s, %s", r.Task.BillReason, r.Task.Status)
	}
}

// listened asks what a recording of some letters says.
func listened(letters int, more string) string {
	size := letters * oneLetter
	file := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\xc0\x5d\x00\x00\x80\xbb\x00\x00\x02\x00\x10\x00data"),
		byte(size), byte(size>>8), byte(size>>16), 0)
	file = append(file, make([]byte, size)...)
	return `{"model":"m","file":"data:audio/wav;base64,` + base64.StdEncoding.EncodeToString(file) + `"` + more + `}`
}

func TestTranscriptsArePricedByWhatHasAPrice(t *testing.T) {
	t.Parallel()
	bySeconds := rules("audio_second 0.01 second", "text_input 1 1m_tokens", "text_output 1 1m_tokens")
	byTokens := rules("audio_input 100 1m_tokens", "text_input 10 1m_tokens", "text_output 1000 1m_tokens")
	const counted = `{"text":"hello","usage":{"type":"tokens","input_tokens":14,"output_tokens":5,"total_tokens":19,"input_token_details":{"text_tokens":4,"audio_tokens":10}}}`
	for _, c := range []struct {
		name, prices, more, answer, charged string
		estimated                           bool
	}{
		{"the upstream's seconds", bySeconds, "", `{"text":"hello","usage":{"type":"duration","seconds":2}}`, "0.02", false},
		{"the file's own", bySeconds, `,"response_format":"text"`, "hello", "0.03", false},
		{"tokens of a priced second", bySeconds, "", counted, "0.03", false},
		{"tokens", byTokens, "", counted, "0.00604", false},
		{"tokens that nobody tells", byTokens, "", `{"text":"hello"}`, "0.005", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := audible(t, c.prices)
			b.first.answer = always(200, c.answer)
			w := b.request(t, openai.Transcriptions, listened(31, c.more))
			if w.Code != 200 || w.Body.String() != c.answer {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if r := b.charged(t, c.charged); r.Task.Usage.Estimated != c.estimated || r.Task.Held < r.Task.Charged {
				t.Errorf("%s, estimated %v, held %v", unitsOf(&r.Task.Usage), r.Task.Usage.Estimated, r.Task.Held)
			}
		})
	}
}

func TestRankingsAndJudgementsArePriced(t *testing.T) {
	t.Parallel()
	ranking := `{"model":"m","query":"q","documents":["a","b"]}`
	for _, c := range []struct {
		name, prices, body, answer, charged string
		format                              wire.Format
		estimated                           bool
	}{
		{"search units", rules("search 0.002 request", "text_input 5 1m_tokens"), ranking, `{"results":[],"meta":{"billed_units":{"search_units":1}}}`, "0.002", openai.Rerank, false},
		{"searches counted here", rules("search 0.002 request"), ranking, `{"results":[]}`, "0.002", openai.Rerank, true},
		{"tokens", rules("text_input 100 1m_tokens"), ranking, `{"results":[],"usage":{"total_tokens":40}}`, "0.004", openai.Rerank, false},
		{"free of charge", rules("request 0 request"), `{"model":"m","input":"a"}`, `{"results":[]}`, "0", openai.Moderations, false},
		{"tokens judged", rules("text_input 1000 1m_tokens"), `{"model":"m","input":"abcd"}`, `{"results":[]}`, "0.002", openai.Moderations, true},
		{
			"completions", rules("text_input 100 1m_tokens", "text_output 1000 1m_tokens"), `{"model":"m","prompt":"a"}`,
			`{"choices":[{"text":"b"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`, "0.0021", openai.Completions, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := audible(t, c.prices)
			b.first.answer = always(200, c.answer)
			if w := b.request(t, c.format, c.body); w.Code != 200 || w.Body.String() != c.answer {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if r := b.charged(t, c.charged); r.Task.Usage.Estimated != c.estimated {
				t.Errorf("%s, estimated %v", unitsOf(&r.Task.Usage), r.Task.Usage.Estimated)
			}
		})
	}
}

// windowed gives every model a context window, and vectors.
func (b *bench) windowed(t *testing.T, window int) {
	t.Helper()
	src := b.sources(slog.New(slog.DiscardHandler))
	for i := range src.Models {
		src.Models[i].Types = []inference.ModelType{inference.TypeEmbedding}
		src.Models[i].BillingConfig = json.RawMessage(rules("text_input 100 1m_tokens"))
		src.Models[i].CapabilityOverride = json.RawMessage(`{"contextWindow":` + itoa(int64(window)) + `}`)
	}
	b.relay.Use(relay.Compile(src))
}

// TestABatchMayBeLongerThanAContext: each of its inputs has one of its own.
func TestABatchMayBeLongerThanAContext(t *testing.T) {
	t.Parallel()
	b := audible(t, rules("text_input 100 1m_tokens"))
	answer := `{"data":[],"usage":{"prompt_tokens":5000,"total_tokens":5000}}`
	b.first.answer, b.second.answer = always(200, answer), always(200, answer)
	b.windowed(t, 2000)
	text := `"` + strings.Repeat("word ", 1000) + `"`
	if w := b.request(t, openai.Embeddings, `{"model":"m","input":[`+text+`,`+text+`,`+text+`,`+text+`]}`); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if r := b.charged(t, "0.5"); r.Task.Held < r.Task.Charged {
		t.Errorf("held %v, charged %v", r.Task.Held, r.Task.Charged)
	}
}
