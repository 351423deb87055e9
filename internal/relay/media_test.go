package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// mediaShelf keeps files in memory.
type mediaShelf struct {
	mu      sync.Mutex
	refuse  error
	fetched []string
}

func (s *mediaShelf) Keep(_ context.Context, f *relay.MediaFile) (string, error) {
	return f.Origin + "/files/" + string(f.Content), s.refuse
}

func (s *mediaShelf) Fetch(_ context.Context, address, upstream string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched = append(s.fetched, address+" of "+upstream)
	if strings.Contains(address, "gone") {
		return nil, errRefused
	}
	return []byte("fetched"), nil
}

// studio is a bench whose platforms make what is asked for at the given prices.
func studio(t *testing.T, media relay.Media, prices string, types ...inference.ModelType) *bench {
	t.Helper()
	b := newBench(t, "10", relay.Limits{}, func(o *relay.Options) { o.Media = media })
	src := b.sources(slog.New(slog.DiscardHandler))
	for i := range src.Models {
		src.Models[i].Types = append([]inference.ModelType{inference.TypeImage, inference.TypeImageEdit}, types...)
		src.Models[i].BillingConfig = json.RawMessage(prices)
	}
	b.relay.Use(relay.Compile(src))
	return b
}

const (
	perImage  = `{"currency":"USD","rules":[{"resourceType":"image","unit":"image","basePrice":0.04}]}`
	perTokens = `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":5},{"resourceType":"image_output","unit":"1m_tokens","basePrice":40}]}`
)

func (b *bench) draw(t *testing.T, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	b.serve(t.Context(), w, openai.ImageGenerations, body)
	return w
}

func TestMediaTakeTheFormThatCallersWant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ ask, made, want, fetched string }{
		{``, `"b64_json":"QUJD"`, `"b64_json":"QUJD"`, ""},
		{`,"response_format":"b64_json"`, `"b64_json":"QUJD"`, `"b64_json":"QUJD"`, ""},
		{`,"response_format":"url"`, `"b64_json":"QUJD"`, `"url":"http://example.com/files/ABC"`, ""},
		{`,"response_format":"url"`, `"url":"https://cdn/1"`, `"url":"http://example.com/files/fetched"`, "https://cdn/1 of first"},
		{``, `"url":"https://cdn/1"`, `"url":"http://example.com/files/fetched"`, "https://cdn/1 of first"},
		{`,"response_format":"b64_json"`, `"url":"https://cdn/1"`, `"b64_json":"ZmV0Y2hlZA=="`, "https://cdn/1 of first"},
	} {
		media := &mediaShelf{}
		b := studio(t, media, perImage)
		b.first.answer = always(200, `{"created":1,"data":[{`+c.made+`}],"x":2}`)
		w := b.draw(t, `{"model":"m","prompt":"a boat"`+c.ask+`}`)
		if w.Code != 200 || w.Body.String() != `{"created":1,"data":[{`+c.want+`}],"x":2}` || strings.Join(media.fetched, ";") != c.fetched {
			t.Errorf("%s %s: %d %s, fetched %v", c.ask, c.made, w.Code, w.Body, media.fetched)
		}
		b.charged(t, "0.04")
	}
}

func TestMediaThatCannotBeKeptAreNotCharged(t *testing.T) {
	t.Parallel()
	b := studio(t, &mediaShelf{refuse: errors.New("the disk is full")}, perImage)
	b.first.answer = always(200, `{"data":[{"b64_json":"QUJD"}]}`)
	b.second.answer = b.first.answer
	w := b.draw(t, `{"model":"m","prompt":"a boat","response_format":"url"}`)
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"code":"media_unavailable"`) || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if r := b.charged(t, "0"); r.Task.Status != tasks.Failed || len(b.second.calls) != 0 {
		t.Errorf("status %s; the second platform had %d calls", r.Task.Status, len(b.second.calls))
	}
}

func TestMediaThatAnUpstreamDoesNotHandOutAreItsFailure(t *testing.T) {
	t.Parallel()
	b := studio(t, &mediaShelf{}, perImage)
	b.first.answer = always(200, `{"data":[{"url":"https://cdn/gone"}]}`)
	b.second.answer = always(200, `{"data":[{"b64_json":"QUJD"},{"b64_json":"REVG"}]}`)
	w := b.draw(t, `{"model":"m","prompt":"a boat","n":2}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "REVG") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	b.charged(t, "0.08")
}

func TestMediaAreBilledByWhatHasAPrice(t *testing.T) {
	t.Parallel()
	told := `,"usage":{"input_tokens":100,"output_tokens":1000,"total_tokens":1100}`
	for _, c := range []struct{ prices, more, want, reason string }{
		{perImage, told, "0.04", "usage"},
		{perImage, "", "0.04", "usage"},
		{perTokens, told, "0.0405", "usage"},
		{perTokens, "", "0.01635", "estimated"}, // 6 tokens of the prompt and 408 of a small picture
	} {
		b := studio(t, nil, c.prices)
		b.first.answer = always(200, `{"data":[{"b64_json":"QUJD"}]`+c.more+`}`)
		if w := b.draw(t, `{"model":"m","prompt":"a paper boat on a lake","size":"1024x1024","quality":"low"}`); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if r := b.charged(t, c.want); r.Task.BillReason != c.reason {
			t.Errorf("billed by %s, want %s", r.Task.BillReason, c.reason)
		}
	}
}

func TestMediaAreHeldFor(t *testing.T) {
	t.Parallel()
	b := studio(t, nil, `{"currency":"USD","rules":[{"resourceType":"image","unit":"image","basePrice":1.5}]}`)
	b.first.answer = always(200, `{"data":[{"b64_json":"QUJD"}]}`)
	if w := b.draw(t, `{"model":"m","prompt":"x","n":7}`); w.Code != wallet.ErrInsufficient.Status || len(b.first.calls) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMediaWithoutAPriceAreRefused(t *testing.T) {
	t.Parallel()
	b := studio(t, nil, `{"currency":"USD","rules":[{"resourceType":"video_second","unit":"second","basePrice":1}]}`)
	if w := b.draw(t, `{"model":"m","prompt":"x"}`); w.Code != 503 || !strings.Contains(w.Body.String(), "price_unpriced") || len(b.first.calls) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMediaArePricedByTheirDimensions(t *testing.T) {
	t.Parallel()
	b := studio(t, nil, `{"currency":"USD","rules":[{"resourceType":"image","unit":"image","basePrice":1,"calculatorType":"matrix",
		"dimensionSchema":{"quality":{"enum":["low","high"],"default":"low"}},
		"formulaConfig":{"prices":[{"when":{"quality":"low"},"price":0.01},{"when":{"quality":"high"},"price":0.2}]}}]}`)
	b.first.answer = always(200, `{"data":[{"b64_json":"QUJD"}]}`)
	if w := b.draw(t, `{"model":"m","prompt":"x","quality":"high"}`); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	b.charged(t, "0.2")
}

func TestMediaStreamsEndWithTheCharge(t *testing.T) {
	t.Parallel()
	b := studio(t, nil, prices, inference.TypeResponses)
	delta := "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n"
	done := "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[],\"usage\":{\"input_tokens\":10,\"output_tokens\":20}}}\n\n"
	b.first.answer = always(200, delta+done+"data: [DONE]\n\n")
	w := httptest.NewRecorder()
	b.serve(t.Context(), w, openai.Responses, `{"model":"m","input":"hi","stream":true,"max_output_tokens":100}`)
	if w.Body.String() != delta+done || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("got %s", w.Body)
	}
	b.charged(t, "0.00021")
	if sent := b.first.last(t); sent["stream_options"] != nil || sent["max_tokens"] != nil {
		t.Errorf("sent %v", sent)
	}
}

func TestMediaFormsAreTakenWhereTheFormatDoes(t *testing.T) {
	t.Parallel()
	b := studio(t, nil, perImage)
	for _, c := range []struct {
		format      wire.Format
		contentType string
		status      int
	}{
		{openai.ImageGenerations, "multipart/form-data; boundary=b", http.StatusUnsupportedMediaType},
		{openai.Chat, "multipart/form-data; boundary=b", http.StatusUnsupportedMediaType},
		{openai.ImageEdits, "multipart/form-data", http.StatusBadRequest},
		{openai.ImageEdits, "multipart/form-data; boundary=b", http.StatusBadRequest},
		{openai.ImageEdits, "text/plain", http.StatusUnsupportedMediaType},
	} {
		w := httptest.NewRecorder()
		b.serve(t.Context(), w, c.format, "--b--", "Content-Type", c.contentType)
		if w.Code != c.status {
			t.Errorf("%s as %s: %d %s", c.format.Kind(), c.contentType, w.Code, w.Body)
		}
	}
}
