package openai

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	relay "github.com/gantry-ai/gantry/internal/wire"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

var pixel = "data:image/png;base64," + base64.StdEncoding.EncodeToString(fakeopenai.Pixel)

func response(model string, stream bool) provider.Call {
	body := `{"model":"` + model + `","input":"hi"}`
	if stream {
		body = `{"model":"` + model + `","input":"hi","stream":true}`
	}
	return provider.Call{Kind: inference.Responses, Stream: stream, Model: model, Body: []byte(body), Attempt: 1}
}

func image(prompt, more string) provider.Call {
	return provider.Call{
		Kind: inference.ImageGenerations, Model: fakeopenai.ImageModel, Attempt: 1,
		Body: []byte(`{"model":"` + fakeopenai.ImageModel + `","prompt":"` + prompt + `"` + more + `}`),
	}
}

func edit(prompt, images string) provider.Call {
	return provider.Call{
		Kind: inference.ImageEdits, Model: fakeopenai.ImageModel, Attempt: 1,
		Body: []byte(`{"model":"` + fakeopenai.ImageModel + `","prompt":"` + prompt + `","n":1,"image":["` + images + `"],"response_format":"b64_json"}`),
	}
}

func video(prompt, more string) provider.Call {
	return provider.Call{
		Kind: inference.VideoGenerations, Model: fakeopenai.VideoModel, Attempt: 1,
		Body: []byte(`{"model":"` + fakeopenai.VideoModel + `","prompt":"` + prompt + `"` + more + `}`),
	}
}

func TestAnswersAreMetered(t *testing.T) {
	t.Parallel()
	_, account := fake(t)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		call   provider.Call
		format relay.Format
		want   inference.Quantities
	}{
		{image("x", `,"n":2`), wire.ImageGenerations, inference.Quantities{inference.TextInput: 10, inference.ImageInput: 40, inference.ImageOutput: 544, inference.Image: 2}},
		{edit("x", pixel), wire.ImageEdits, inference.Quantities{inference.TextInput: 10, inference.ImageInput: 40, inference.ImageOutput: 272, inference.Image: 1}},
		{response("gpt-5-mini", false), wire.Responses, inference.Quantities{
			inference.TextInput: 8, inference.TextInputCached: 4, inference.TextOutput: 3, inference.TextReasoning: 16,
		}},
	} {
		resp, err := u.Send(t.Context(), &c.call)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if m, ok := c.format.Answer(body); !ok || !m.Known || m.Usage.Quantities != c.want {
			t.Errorf("%s: %+v, %v: %.200s", c.call.Kind, m, ok, body)
		}
	}
}

// sent is what an adapter sends.
func sent(t *testing.T, c *provider.Call) (contentType, body string) {
	t.Helper()
	u, err := Adapter{}.Open(provider.Account{
		BaseURL: "http://h/v1", AuthType: authNone,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			raw, err := io.ReadAll(r.Body)
			contentType, body = r.Header.Get("Content-Type"), string(raw)
			return &http.Response{Body: http.NoBody}, err
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := u.Send(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return contentType, body
}

func TestMediaGoOutAsTheUpstreamWantsThem(t *testing.T) {
	t.Parallel()
	c := image("x", `,"response_format":"url","size":"auto"`)
	if kind, body := sent(t, &c); kind != "application/json" || body != `{"model":"gpt-image-1","prompt":"x","size":"auto"}` {
		t.Errorf("%s %s", kind, body)
	}
	c.Model = "dall-e-3"
	if _, body := sent(t, &c); body != string(c.Body) {
		t.Errorf("got %s", body)
	}
	c = edit("x", "https://example.com/a.png")
	if kind, body := sent(t, &c); kind != "application/json" || body != `{"model":"gpt-image-1","prompt":"x","n":1,"images":[{"image_url":"https://example.com/a.png"}]}` {
		t.Errorf("%s %s", kind, body)
	}
	c = edit("say \\\"hi\\\"", pixel)
	kind, body := sent(t, &c)
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(strings.NewReader(body), params["boundary"]).ReadForm(1 << 20)
	if err != nil || form.Value["prompt"][0] != `say "hi"` || form.Value["n"][0] != "1" || len(form.File["image"]) != 1 || len(form.Value) != 3 {
		t.Errorf("%v, %v", form, err)
	}
}

func TestVideosAreSubmittedOnce(t *testing.T) {
	t.Parallel()
	server, account := fake(t)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	s := u.(provider.Submitter) //nolint:forcetypeassert // a compile-time guard says so
	c := video("waves", `,"seconds":"8"`)
	c.IdempotencyKey = "key-of-the-task"
	var ids []string
	for range 3 {
		job, err := s.Submit(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, job.ID)
	}
	if ids[0] != ids[1] || ids[1] != ids[2] || server.Submitted() != 1 {
		t.Errorf("%d jobs: %v", server.Submitted(), ids)
	}
	var job provider.Job
	for range 4 {
		if job, err = s.Query(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	if job.State != provider.JobSucceeded || !job.UsageKnown || job.Usage.Quantities[inference.VideoSecond] != 8 || job.ExpiresAt.Before(time.Now()) {
		t.Errorf("got %+v", job)
	}
}

func TestVideosThatFail(t *testing.T) {
	t.Parallel()
	_, account := fake(t)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	s := u.(provider.Submitter) //nolint:forcetypeassert // a compile-time guard says so
	c := video("forbidden", "")
	job, err := s.Submit(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	var e *provider.Error
	if _, err := s.Fetch(t.Context(), job.ID, 0); !errors.As(err, &e) || e.Category != inference.NotFound {
		t.Errorf("a video that is not there yet: %v", err)
	}
	for range 3 {
		if job, err = s.Query(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
	}
	if job.State != provider.JobFailed || job.Failure.Category != inference.ContentPolicy || job.Failure.Code != "moderation_blocked" {
		t.Errorf("got %+v", job)
	}
	for _, id := range []string{"../models", "a/b", "", "a?b", "..", "a%2fb"} {
		if _, err := s.Query(t.Context(), id); !errors.As(err, &e) || e.Category != inference.NotFound || e.Status != http.StatusNotFound {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestAnswersThatAreNoJobs(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]inference.Category{
		"<html>": inference.Protocol, `{"id":""}`: inference.Protocol, `{"id":"a","status":"dancing"}`: inference.Protocol, `{"id":"a","progress":"x"}`: inference.Protocol,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		transport := &http.Transport{}
		u, err := Adapter{}.Open(provider.Account{BaseURL: server.URL, AuthType: authNone, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		c := video("x", "")
		var e *provider.Error
		if _, err := u.(provider.Submitter).Submit(t.Context(), &c); !errors.As(err, &e) || e.Category != want { //nolint:forcetypeassert // as above
			t.Errorf("%s: %v", body, err)
		}
		server.Close()
		transport.CloseIdleConnections()
		c = video("x", "")
		if _, err := u.(provider.Submitter).Submit(t.Context(), &c); !errors.As(err, &e) || e.Category != inference.Connect { //nolint:forcetypeassert // as above
			t.Errorf("an upstream that is away: %v", err)
		}
	}
}

func TestStreamedResponses(t *testing.T) {
	t.Parallel()
	_, account := fake(t)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	c := response("gpt-5-mini", true)
	resp, err := u.Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !strings.Contains(string(body), "event: response.completed\n") {
		t.Errorf("%v: %s", err, body)
	}
	last := body[strings.LastIndex(string(body), "event: response.completed"):]
	if data := strings.TrimPrefix(strings.SplitN(string(last), "\n", 2)[1], "data: "); !json.Valid([]byte(strings.SplitN(data, "\n", 2)[0])) {
		t.Errorf("got %s", data)
	}
}
