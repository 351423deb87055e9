package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

func messageItem(custom, model string) sdk.MessageBatchNewParamsRequest {
	return sdk.MessageBatchNewParamsRequest{
		CustomID: custom, Params: sdk.MessageBatchNewParamsRequestParams{
			Model: model, MaxTokens: 40, Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock("hi " + custom))},
		},
	}
}

// ended waits for the end of a batch.
func (h *house) ended(c sdk.Client, name string) *sdk.MessageBatch {
	h.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := c.Messages.Batches.Get(h.t.Context(), name, sdk.MessageBatchGetParams{})
		if err != nil {
			h.t.Fatal(err)
		}
		if b.ProcessingStatus == sdk.MessageBatchProcessingStatusEnded {
			return b
		}
		select {
		case <-tick.C:
		case <-h.t.Context().Done():
			h.t.Fatal("the batch does not end")
		}
	}
}

func (h *house) results(c sdk.Client, name string) map[string]sdk.MessageBatchResultUnion {
	h.t.Helper()
	out := map[string]sdk.MessageBatchResultUnion{}
	stream := c.Messages.Batches.ResultsStreaming(h.t.Context(), name, sdk.MessageBatchResultsParams{})
	for stream.Next() {
		one := stream.Current()
		if _, twice := out[one.CustomID]; twice {
			h.t.Errorf("%s twice", one.CustomID)
		}
		out[one.CustomID] = one.Result
	}
	if err := stream.Err(); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// sdkRefused finds the SDK's own error.
func sdkRefused(t *testing.T, what string, err error, status int, says string) {
	t.Helper()
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok || e.StatusCode != status || !strings.Contains(e.RawJSON(), says) {
		t.Errorf("%s: %v, want %d %s", what, err, status, says)
	}
}

// The vendor's own client has a batch made, by upstreams of its own protocol and of others, looks after it and forgets it.
func TestTheOfficialAnthropicClientHasBatchesMade(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		h.connectAnthropic(nil)
		h.connect(map[string]string{"gpt-4o-mini": "chat"})
		ann, bob := h.invite("ann", "10"), h.invite("bob", "10")
		c, stranger := h.anthropicClient(ann.key), h.anthropicClient(bob.key)
		h.runTasks()
		made, err := c.Messages.Batches.New(t.Context(), sdk.MessageBatchNewParams{Requests: []sdk.MessageBatchNewParamsRequest{
			messageItem("own", "haiku-4-5"), messageItem("other", "gpt-4o-mini"), messageItem("sim", "sim-chat"), messageItem("none", "no-such-model"),
		}})
		if err != nil {
			t.Fatal(err)
		}
		if made.ProcessingStatus != "in_progress" || made.RequestCounts.Processing != 4 || made.ResultsURL != "" || made.ExpiresAt.Sub(made.CreatedAt) != 24*time.Hour {
			t.Errorf("made %s", made.RawJSON())
		}
		contract := surfacetest.LoadContract(t, "protocols", "MessageError")
		shaped(t, contract, "createMessageBatch", made.RawJSON())
		done := h.ended(c, made.ID)
		shaped(t, contract, "getMessageBatch", done.RawJSON())
		all, err := c.Messages.Batches.List(t.Context(), sdk.MessageBatchListParams{})
		if err != nil {
			t.Fatal(err)
		}
		shaped(t, contract, "listMessageBatches", all.RawJSON())
		if n := done.RequestCounts; n.Succeeded != 3 || n.Errored != 1 || n.Processing != 0 || done.EndedAt.IsZero() || done.ResultsURL != h.url+"/v1/messages/batches/"+made.ID+"/results" {
			t.Errorf("ended %s", done.RawJSON())
		}
		got := h.results(c, made.ID)
		for _, name := range []string{"own", "other", "sim"} {
			if r := got[name]; r.Type != "succeeded" || r.Message.Usage.OutputTokens == 0 || len(r.Message.Content) == 0 || r.Message.Type != "message" {
				t.Errorf("%s: %s", name, r.RawJSON())
			}
		}
		if r := got["none"]; len(got) != 4 || r.Type != "errored" || r.Error.Error.Type != "not_found_error" {
			t.Errorf("%d results, %s", len(got), r.RawJSON())
		}
		resp, text := h.send("GET", strings.TrimPrefix(done.ResultsURL, h.url), ann.key, nil)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/x-jsonl" || bytes.Count(text, []byte("\n")) != 4 {
			t.Errorf("%d %v %s", resp.StatusCode, resp.Header, text)
		}
		_, err = c.Messages.Batches.Cancel(t.Context(), made.ID, sdk.MessageBatchCancelParams{})
		sdkRefused(t, "canceled late", err, 409, "invalid_request_error")
		h.strangerToBatch(stranger, made.ID, ann.key)
		if gone, err := c.Messages.Batches.Delete(t.Context(), made.ID, sdk.MessageBatchDeleteParams{}); err != nil || gone.ID != made.ID || gone.Type != "message_batch_deleted" {
			t.Errorf("deleted %+v (%v)", gone, err)
		}
		_, err = c.Messages.Batches.Get(t.Context(), made.ID, sdk.MessageBatchGetParams{})
		sdkRefused(t, "deleted", err, 404, "not_found_error")
		var files struct{ Data []fileObject }
		h.call("GET", "/v1/files", ann.key, nil, &files, 200)
		if len(files.Data) != 0 {
			t.Errorf("batches show their files: %+v", files)
		}
		h.clean()
	})
}

// shaped holds an answer against the contract.
func shaped(t *testing.T, contract *surfacetest.Contract, operation, body string) {
	t.Helper()
	if err := contract.CheckAnswer(operation, http.StatusOK, []byte(body)); err != nil {
		t.Errorf("%s: %v in %s", operation, err, body)
	}
}

// strangerToBatch finds that a batch is nobody else's, and nothing in the other protocol.
func (h *house) strangerToBatch(c sdk.Client, name, owner string) {
	h.t.Helper()
	ctx, t := h.t.Context(), h.t
	_, err := c.Messages.Batches.Get(ctx, name, sdk.MessageBatchGetParams{})
	sdkRefused(t, "somebody else's", err, 404, "not_found_error")
	_, err = c.Messages.Batches.Cancel(ctx, name, sdk.MessageBatchCancelParams{})
	sdkRefused(t, "somebody else's to cancel", err, 404, "not_found_error")
	_, err = c.Messages.Batches.Delete(ctx, name, sdk.MessageBatchDeleteParams{})
	sdkRefused(t, "somebody else's to delete", err, 404, "not_found_error")
	stream := c.Messages.Batches.ResultsStreaming(ctx, name, sdk.MessageBatchResultsParams{})
	if stream.Next() {
		t.Error("somebody else's results")
	}
	sdkRefused(t, "somebody else's results", stream.Err(), 404, "not_found_error")
	if all, err := c.Messages.Batches.List(ctx, sdk.MessageBatchListParams{}); err != nil || len(all.Data) != 0 {
		t.Errorf("somebody else sees %+v (%v)", all, err)
	}
	h.call("GET", "/v1/batches/batch_"+strings.TrimPrefix(name, "msgbatch_"), owner, nil, nil, 404)
	h.call("POST", "/v1/batches/batch_"+strings.TrimPrefix(name, "msgbatch_")+"/cancel", owner, nil, nil, 404)
	var others struct{ Data []batchObject }
	h.call("GET", "/v1/batches", owner, nil, &others, 200)
	if len(others.Data) != 0 {
		t.Errorf("OpenAI's batches: %+v", others)
	}
}

// TestMessageBatchesOfHostileInputs finds what is wrong, and where.
func TestMessageBatchesOfHostileInputs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.invite("ann", "")
	const good = `{"custom_id":"a","params":{"model":"sim-chat","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}}`
	for body, want := range map[string]string{
		`{}`: "requests: Field required", `{"requests":[]}`: "requests: List should have at least 1 item", `{`: "not valid JSON", `[]`: "not valid JSON",
		`{"requests":[` + good + `,` + good + `]}`:                                      "requests.1.custom_id: custom_id must be unique",
		`{"requests":[` + good + `,{"custom_id":"b c","params":{}}]}`:                   "requests.1.custom_id: String should match pattern",
		`{"requests":[{"custom_id":"a"}]}`:                                              "requests.0.params: Field required",
		`{"requests":[` + strings.Replace(good, `"max`, `"stream":true,"max`, 1) + `]}`: "requests.0.params.stream: Streaming",
	} {
		status, text := h.post("/v1/messages/batches", ann.key, "application/json", []byte(body))
		if status != 400 || !bytes.Contains(text, []byte(want)) || !bytes.Contains(text, []byte(`"type":"invalid_request_error"`)) {
			t.Errorf("%s: %d %s, want %s", body, status, text, want)
		}
	}
	whole := `{"requests":[` + good + `]}`
	if status, text := h.post("/v1/messages/batches", ann.key, "text/plain", []byte(whole)); status != 415 || !bytes.Contains(text, []byte(`"type":"error"`)) {
		t.Errorf("a text: %d %s", status, text)
	}
	if status, text := h.post("/v1/messages/batches", "sk-nobody", "application/json", []byte(whole)); status != 401 || !bytes.Contains(text, []byte("authentication_error")) {
		t.Errorf("nobody: %d %s", status, text)
	}
	narrow := h.scoped(ann, "models")
	if status, text := h.post("/v1/messages/batches", narrow, "application/json", []byte(whole)); status != 403 || !bytes.Contains(text, []byte("permission_error")) {
		t.Errorf("a key for something else: %d %s", status, text)
	}
	// The other protocol knows no such endpoint, though the job is the same.
	file := h.upload(ann.key, "batch", good)
	h.call("POST", "/v1/batches", ann.key, map[string]any{"input_file_id": file.ID, "endpoint": "/v1/messages", "completion_window": "24h"}, nil, 400)
	for _, path := range []string{"?limit=0", "?limit=1001", "?after_id=batch_1", "?before_id=x", "?after_id=msgbatch_" + strings.Repeat("0", 32) + "&before_id=msgbatch_" + strings.Repeat("0", 32)} {
		if resp, text := h.send("GET", "/v1/messages/batches"+path, ann.key, nil); resp.StatusCode != http.StatusBadRequest || !bytes.Contains(text, []byte("invalid_request_error")) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	for _, name := range []string{"x", "msgbatch_1", "batch_" + id.New().Compact(), "msgbatch_" + id.New().Compact()} {
		h.call("GET", "/v1/messages/batches/"+name, ann.key, nil, nil, 404)
		h.call("GET", "/v1/messages/batches/"+name+"/results", ann.key, nil, nil, 404)
		h.call("DELETE", "/v1/messages/batches/"+name, ann.key, nil, nil, 404)
	}
	h.clean()
}

// TestMessageBatchesTooLarge refuses what is more than a file may be, before and while it is read.
func TestMessageBatchesTooLarge(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(a *App) { a.cfg.Files.MaxBytes = 1 << 10 })
	ann := h.invite("ann", "")
	status, text := h.post("/v1/messages/batches", ann.key, "application/json", bytes.Repeat([]byte(" "), 2<<10))
	if status != 413 || !bytes.Contains(text, []byte("request_too_large")) {
		t.Errorf("%d %s", status, text)
	}
}

// TestMessageBatchesAreCanceledAndTurned cancels batches before anything of them was made, and turns their pages.
func TestMessageBatchesAreCanceledAndTurned(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann := h.invite("ann", "")
		c := h.anthropicClient(ann.key)
		var names []string
		for n := range 3 {
			b, err := c.Messages.Batches.New(t.Context(), sdk.MessageBatchNewParams{Requests: []sdk.MessageBatchNewParamsRequest{
				messageItem(fmt.Sprint("l", n), "sim-chat"), messageItem("m", "sim-chat"),
			}})
			if err != nil {
				t.Fatal(err)
			}
			names = append([]string{b.ID}, names...)
			_, err = c.Messages.Batches.Delete(t.Context(), b.ID, sdk.MessageBatchDeleteParams{})
			sdkRefused(t, "deleted early", err, 409, "invalid_request_error")
			stream := c.Messages.Batches.ResultsStreaming(t.Context(), b.ID, sdk.MessageBatchResultsParams{})
			stream.Next()
			sdkRefused(t, "results early", stream.Err(), 404, "not_found_error")
		}
		for query, want := range map[string]string{
			"limit=2": "0 1 true", "after_id=" + names[1]: "2 false", "limit=1&before_id=" + names[2]: "1 true", "before_id=" + names[1] + "&limit=5": "0 false",
			"limit=3": "0 1 2 false",
		} {
			var p struct {
				Data            []struct{ ID string }
				HasMore         bool `json:"has_more"`
				FirstID, LastID *string
			}
			h.call("GET", "/v1/messages/batches?"+query, ann.key, nil, &p, 200)
			got := ""
			for _, b := range p.Data {
				got += fmt.Sprint(slices.Index(names, b.ID), " ")
			}
			if got += fmt.Sprint(p.HasMore); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		for _, name := range names {
			b, err := c.Messages.Batches.Cancel(t.Context(), name, sdk.MessageBatchCancelParams{})
			if err != nil || b.ProcessingStatus != "canceling" || b.CancelInitiatedAt.IsZero() {
				t.Fatalf("%v (%v)", b, err)
			}
		}
		h.runTasks()
		done := h.ended(c, names[0])
		if done.RequestCounts.Canceled != 2 || done.RequestCounts.Errored != 0 {
			t.Errorf("%s", done.RawJSON())
		}
		for name, r := range h.results(c, names[0]) {
			if r.Type != "canceled" {
				t.Errorf("%s: %s", name, r.RawJSON())
			}
		}
		h.clean()
	})
}

// TestMessageBatchesExpire gives no answer for what could not be made in time, and keeps results for as long as files.
func TestMessageBatchesExpire(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann := h.invite("ann", "")
		c := h.anthropicClient(ann.key)
		made, err := c.Messages.Batches.New(t.Context(), sdk.MessageBatchNewParams{Requests: []sdk.MessageBatchNewParamsRequest{messageItem("a", "sim-chat")}})
		if err != nil {
			t.Fatal(err)
		}
		batch, _ := openai.ParseName("msgbatch_", made.ID)
		late := *h.batches
		late.Now = func() time.Time { return h.now().Add(25 * time.Hour) }
		for later := time.Duration(1); later > 0; {
			if later, err = late.Run(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		done := h.ended(c, made.ID)
		if done.RequestCounts.Expired != 1 || h.results(c, made.ID)["a"].Type != "expired" {
			t.Errorf("%s", done.RawJSON())
		}
		h.clean()
	})
}

// TestMessageBatchesSurviveAKill runs a batch whose process dies at every step. No line is made twice.
func TestMessageBatchesSurviveAKill(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann := h.invite("ann", "")
		c := h.anthropicClient(ann.key)
		const lines = 6
		var asked sdk.MessageBatchNewParams
		for n := range lines {
			asked.Requests = append(asked.Requests, messageItem(fmt.Sprint("l", n), "sim-chat"))
		}
		made, err := c.Messages.Batches.New(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		batch, _ := openai.ParseName("msgbatch_", made.ID)
		h.batches.Parallel = 2
		h.dyingRuns(batch)
		h.runTasks()
		if done := h.ended(c, made.ID); done.RequestCounts.Succeeded != lines || len(h.results(c, made.ID)) != lines {
			t.Fatalf("ended %s", done.RawJSON())
		}
		var list struct{ Total int }
		h.call("GET", "/api/v1/tasks?pageSize=50", ann.key, nil, &list, 200)
		if list.Total != lines {
			t.Errorf("%d tasks for %d lines", list.Total, lines)
		}
		h.clean()
	})
}

// TestMessageBatchesCallAsTheirCallerWould sends the caller's headers with each line, and charges it as one of a batch.
func TestMessageBatchesCallAsTheirCallerWould(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := fakeanthropic.New(fakeanthropic.Options{})
	var seen atomic.Value
	platform := h.anthropicPlatform(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Anthropic-Beta"))
		fake.ServeHTTP(w, r)
	}), "own", nil)
	rule := func(resource string) string {
		return `{"resourceType":"` + resource + `","unit":"token","basePrice":0.001,"dimensionSchema":{"service_class":{"enum":["standard","batch"],` +
			`"default":"standard"}},"baseWeight":{"service_class":{"standard":1,"batch":0.5}}}`
	}
	h.call("POST", "/api/admin/platforms/"+platform+"/models", h.admin, map[string]any{
		"modelAlias": "haiku", "providerModelName": "claude-haiku-4-5", "modelType": []string{"chat"}, "enabled": true,
		"billingConfig": json.RawMessage(`{"currency":"USD","rules":[` + rule("text_input") + `,` + rule("text_output") + `]}`),
	}, nil, 201)
	ann := h.invite("ann", "100")
	c := h.anthropicClient(ann.key)
	h.runTasks()
	item := messageItem("a", "haiku")
	if _, err := c.Messages.New(t.Context(), sdk.MessageNewParams{Model: item.Params.Model, MaxTokens: item.Params.MaxTokens, Messages: item.Params.Messages}); err != nil {
		t.Fatal(err)
	}
	whole := h.spent(ann)
	made, err := c.Messages.Batches.New(t.Context(), sdk.MessageBatchNewParams{Requests: []sdk.MessageBatchNewParamsRequest{item}},
		option.WithHeader("anthropic-beta", "interleaved-thinking-2025-05-14"))
	if err != nil {
		t.Fatal(err)
	}
	h.ended(c, made.ID)
	if both := h.spent(ann); both-whole != whole/2 || whole == 0 {
		t.Errorf("a call costs %v, and in a batch %v", whole, both-whole)
	}
	if seen.Load() != "interleaved-thinking-2025-05-14" {
		t.Errorf("the upstream saw %v", seen.Load())
	}
	h.clean()
}
