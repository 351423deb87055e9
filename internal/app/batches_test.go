package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/batches"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

type batchObject struct {
	ID           string  `json:"id"`
	Status       string  `json:"status"`
	OutputFileID *string `json:"output_file_id"`
	ErrorFileID  *string `json:"error_file_id"`
	Errors       *struct {
		Data []struct {
			Code string
			Line int64
		}
	}
	RequestCounts struct{ Total, Completed, Failed int64 } `json:"request_counts"`
	Usage         struct {
		Total int64 `json:"total_tokens"`
	}
	Metadata map[string]string
}

type batchOutput struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int             `json:"status_code"`
		Body       json.RawMessage `json:"body"`
	} `json:"response"`
	Error *struct {
		Code string `json:"code"`
	} `json:"error"`
}

// chatLine is a line of a batch's input.
func chatLine(custom, model string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":%q,"max_tokens":20,"messages":[{"role":"user","content":"hi %s"}]}}`+"\n",
		custom, model, custom)
}

func (h *house) batch(token, endpoint, input string) batchObject {
	h.t.Helper()
	f := h.upload(token, "batch", input)
	var b batchObject
	h.call("POST", "/v1/batches", token, map[string]any{
		"input_file_id": f.ID, "endpoint": endpoint, "completion_window": "24h", "metadata": map[string]string{"a": "b"},
	}, &b, 200)
	return b
}

// runBatch works on a batch until it has ended, as workers would.
func (h *house) runBatch(name, token string) (b batchObject) {
	h.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		h.call("GET", "/v1/batches/"+name, token, nil, &b, 200)
		switch b.Status {
		case "completed", "failed", "expired", "cancelled":
			return b
		}
		select {
		case <-tick.C:
		case <-h.t.Context().Done():
			h.t.Fatal("the batch does not end")
		}
	}
}

func (h *house) output(file *string, token string) (out []batchOutput) {
	h.t.Helper()
	if file == nil {
		return nil
	}
	_, text := h.send("GET", "/v1/files/"+*file+"/content", token, nil)
	for line := range bytes.Lines(text) {
		var o batchOutput
		if err := json.Unmarshal(line, &o); err != nil {
			h.t.Fatalf("%s: %v", line, err)
		}
		out = append(out, o)
	}
	return out
}

func TestBatches(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann, bob := h.invite("ann", ""), h.invite("bob", "")
		h.runTasks()
		made := h.batch(ann.key, "/v1/chat/completions", chatLine("a", "sim-chat")+"\n"+chatLine("b", "no-such-model")+chatLine("c", "sim-chat"))
		if made.Status != "validating" || made.Metadata["a"] != "b" {
			t.Errorf("made %+v", made)
		}
		for _, c := range [][2]string{{"GET", ""}, {"POST", "/cancel"}} {
			h.call(c[0], "/v1/batches/"+made.ID+c[1], bob.key, nil, nil, 404)
		}
		done := h.runBatch(made.ID, ann.key)
		if done.Status != "completed" || done.RequestCounts.Total != 3 || done.RequestCounts.Completed != 2 || done.RequestCounts.Failed != 1 || done.Usage.Total == 0 {
			t.Fatalf("ended %+v", done)
		}
		out := h.output(done.OutputFileID, ann.key)
		if len(out) != 2 || out[0].CustomID != "a" || out[1].CustomID != "c" || out[1].Response.StatusCode != http.StatusOK || !bytes.Contains(out[1].Response.Body, []byte(`"chat.completion"`)) {
			t.Errorf("output %+v", out)
		}
		wrong := h.output(done.ErrorFileID, ann.key)
		if len(wrong) != 1 || wrong[0].CustomID != "b" || wrong[0].Response.StatusCode != http.StatusNotFound {
			t.Errorf("errors %+v", wrong)
		}
		h.call("POST", "/v1/batches/"+made.ID+"/cancel", ann.key, nil, nil, 409)
		var list struct{ Data []batchObject }
		h.call("GET", "/v1/batches?limit=1", ann.key, nil, &list, 200)
		if len(list.Data) != 1 || list.Data[0].ID != made.ID {
			t.Errorf("listed %+v", list)
		}
		h.call("GET", "/v1/batches", bob.key, nil, &list, 200)
		if len(list.Data) != 0 {
			t.Errorf("somebody else sees %+v", list)
		}
		h.clean()
	})
}

func TestBatchesOfOtherEndpoints(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.invite("ann", "")
	h.runTasks()
	for endpoint, body := range map[string]string{
		"/v1/embeddings":         `{"model":"sim-embed","input":"hi"}`,
		"/v1/responses":          `{"model":"sim-chat","input":"hi"}`,
		"/v1/images/generations": `{"model":"sim-image","prompt":"a boat","response_format":"url"}`,
	} {
		made := h.batch(ann.key, endpoint, `{"custom_id":"a","method":"POST","url":"`+endpoint+`","body":`+body+`}`)
		if done := h.runBatch(made.ID, ann.key); done.RequestCounts.Completed != 1 {
			t.Errorf("%s: %+v %+v", endpoint, done, h.output(done.ErrorFileID, ann.key))
		}
	}
	h.clean()
}

// TestBatchesOfHostileInputs finds everything that is wrong with an input, by its line.
func TestBatchesOfHostileInputs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.invite("ann", "")
	h.runTasks()
	good := chatLine("a", "sim-chat")
	input := good + good + "nonsense\n" + strings.Replace(good, "POST", "GET", 1) + strings.Replace(chatLine("b", "m"), "/v1/chat/completions", "/api/admin/users", 1) +
		`{"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":[]}` + "\n" + `{"method":"POST"}` + "\n\xff\xfe\n"
	done := h.runBatch(h.batch(ann.key, "/v1/chat/completions", input).ID, ann.key)
	var got []string
	for _, e := range done.Errors.Data {
		got = append(got, fmt.Sprint(e.Line, " ", e.Code))
	}
	want := "2 duplicate_custom_id, 3 invalid_json_line, 4 duplicate_custom_id, 5 invalid_url, 6 missing_required_parameter, 7 missing_required_parameter, 8 invalid_json_line"
	if done.Status != "failed" || strings.Join(got, ", ") != want {
		t.Errorf("%s %s", done.Status, strings.Join(got, ", "))
	}
	if done := h.runBatch(h.batch(ann.key, "/v1/chat/completions", "\n \n").ID, ann.key); done.Status != "failed" || done.Errors.Data[0].Code != "empty_file" {
		t.Errorf("empty: %+v", done)
	}
	file := h.upload(ann.key, "batch", good)
	other := h.upload(ann.key, "user_data", good)
	for name, body := range map[string]string{
		"another endpoint": `{"input_file_id":"` + file.ID + `","endpoint":"/api/v1/users","completion_window":"24h"}`,
		"another window":   `{"input_file_id":"` + file.ID + `","endpoint":"/v1/chat/completions","completion_window":"1h"}`,
		"another purpose":  `{"input_file_id":"` + other.ID + `","endpoint":"/v1/chat/completions","completion_window":"24h"}`,
		"no file":          `{"input_file_id":"file-0","endpoint":"/v1/chat/completions","completion_window":"24h"}`,
		"a twice":          `{"input_file_id":"x","input_file_id":"` + file.ID + `","endpoint":"/v1/chat/completions","completion_window":"24h"}`,
		"bad metadata":     `{"input_file_id":"` + file.ID + `","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":1}}`,
		"long metadata":    `{"input_file_id":"` + file.ID + `","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":"` + strings.Repeat("x", 600) + `"}}`,
		"bad expiry":       `{"input_file_id":"` + file.ID + `","endpoint":"/v1/chat/completions","completion_window":"24h","output_expires_after":{"anchor":"created_at","seconds":1}}`,
		"no JSON":          `{`,
	} {
		if status, text := h.post("/v1/batches", ann.key, "application/json", []byte(body)); status != 400 || !bytes.Contains(text, []byte(`"error"`)) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	h.clean()
}

// TestBatchesAreCanceledAndExpire finds that what was not taken up is not made, and never charged.
func TestBatchesAreCanceled(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann := h.invite("ann", "")
		made := h.batch(ann.key, "/v1/chat/completions", chatLine("a", "sim-chat")+chatLine("b", "sim-chat"))
		var b batchObject
		for range 2 {
			h.call("POST", "/v1/batches/"+made.ID+"/cancel", ann.key, nil, &b, 200)
			if b.Status != "cancelling" {
				t.Errorf("canceled %+v", b)
			}
		}
		h.runTasks()
		done := h.runBatch(made.ID, ann.key)
		if done.Status != "cancelled" || done.RequestCounts.Completed != 0 {
			t.Errorf("ended %+v", done)
		}
		h.clean()
	})
}

// TestBatchesSurviveAKill runs a batch whose process dies at every step, on the data of the one before. No line is made twice.
func TestBatchesSurviveAKill(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann := h.invite("ann", "")
		const lines = 6
		var input strings.Builder
		for n := range lines {
			input.WriteString(chatLine(fmt.Sprint("l", n), "sim-chat"))
		}
		made := h.batch(ann.key, "/v1/chat/completions", input.String())
		batch, _ := openai.ParseName(openai.PrefixBatch, made.ID)
		h.batches.Parallel = 2
		h.dyingRuns(batch)
		h.runTasks()
		done := h.runBatch(made.ID, ann.key)
		if done.Status != "completed" || done.RequestCounts.Completed != lines {
			t.Fatalf("ended %+v", done)
		}
		if out := h.output(done.OutputFileID, ann.key); len(out) != lines {
			t.Errorf("%d lines of output", len(out))
		}
		var list struct{ Total int }
		h.call("GET", "/api/v1/tasks?pageSize=50", ann.key, nil, &list, 200)
		if list.Total != lines {
			t.Errorf("%d tasks for %d lines", list.Total, lines)
		}
		h.clean()
	})
}

// dyingRuns runs a batch whose lines are accepted, and not taken down as such: what a kill in between leaves.
func (h *house) dyingRuns(batch id.ID) {
	h.t.Helper()
	service := *h.batches
	service.Store = forgetful{service.Store}
	for range 3 {
		if _, err := service.Run(h.t.Context(), batch); err != nil {
			h.t.Fatal(err)
		}
	}
}

// forgetful is a store whose process is always killed before it takes down that a line was taken up.
type forgetful struct{ batches.Store }

func (forgetful) LineSent(context.Context, *batches.Line) error { return nil }

// TestBatchesHaveAPrice prices lines by their service class.
func TestBatchesHaveAPrice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	server := httptest.NewServer(fakeopenai.New(fakeopenai.Options{}))
	t.Cleanup(server.Close)
	var p struct{ ID string }
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "openai", "name": "Fake", "platformKey": "fake", "baseUrl": server.URL + "/v1", "credentials": map[string]any{"apiKey": fakeopenai.DefaultKey},
	}, &p, 201)
	rule := func(resource string) string {
		return `{"resourceType":"` + resource + `","unit":"token","basePrice":0.001,"dimensionSchema":{"service_class":{"enum":["standard","batch"],` +
			`"default":"standard"}},"baseWeight":{"service_class":{"standard":1,"batch":0.5}}}`
	}
	h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
		"modelAlias": "gpt-4o-mini", "providerModelName": "gpt-4o-mini", "modelType": []string{"chat"}, "enabled": true,
		"billingConfig": json.RawMessage(`{"currency":"USD","rules":[` + rule("text_input") + `,` + rule("text_output") + `]}`),
	}, nil, 201)
	ann := h.invite("ann", "100")
	h.runTasks()
	line := chatLine("a", "gpt-4o-mini")
	var asked struct {
		Body json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal([]byte(line), &asked); err != nil {
		t.Fatal(err)
	}
	h.call("POST", "/v1/chat/completions", ann.key, asked.Body, nil, 200)
	whole := h.spent(ann)
	h.runBatch(h.batch(ann.key, "/v1/chat/completions", line).ID, ann.key)
	if both := h.spent(ann); both-whole != whole/2 || whole == 0 {
		t.Errorf("a call costs %v, and in a batch %v", whole, both-whole)
	}
	h.clean()
}

// spent is what a person has spent who had 100 USD.
func (h *house) spent(who guest) money.Amount {
	h.t.Helper()
	if err := h.journal.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	w, err := h.book.Wallet(h.t.Context(), who.id, "USD")
	if err != nil {
		h.t.Fatal(err)
	}
	had, err := money.Number("100").Amount("USD")
	if err != nil {
		h.t.Fatal(err)
	}
	return had - w.Spendable()
}
