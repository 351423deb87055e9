package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/anthropics/anthropic-sdk-go"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

const (
	paper   = "%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
	picture = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
)

func b64(content string) string { return base64.StdEncoding.EncodeToString([]byte(content)) }

// watched is an Anthropic upstream whose last body is known.
func (h *house) watched(models ...string) *atomic.Value {
	h.t.Helper()
	fake, last := fakeanthropic.New(fakeanthropic.Options{}), &atomic.Value{}
	platform := h.anthropicPlatform(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		last.Store(body.String())
		r.Body = readCloser{&body}
		fake.ServeHTTP(w, r)
	}), "watched", nil)
	for _, model := range models {
		h.call("POST", "/api/admin/platforms/"+platform+"/models", h.admin, map[string]any{
			"modelAlias": model, "providerModelName": "claude-haiku-4-5", "modelType": []string{"chat"}, "enabled": true,
			"billingConfig": json.RawMessage(`{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},{"resourceType":"text_output","unit":"1m_tokens","basePrice":5}]}`),
		}, nil, 201)
	}
	return last
}

type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }

// The vendor's own client brings files, looks after them and names them in messages.
func TestTheOfficialAnthropicClientBringsFiles(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		last := h.watched("claude")
		ann, bob := h.invite("ann", "10"), h.invite("bob", "10")
		c, stranger := h.anthropicClient(ann.key), h.anthropicClient(bob.key)
		f, err := c.Beta.Files.Upload(t.Context(), sdk.BetaFileUploadParams{File: sdk.File(strings.NewReader(paper), "a.pdf", "application/pdf"), ExpiresInSeconds: sdk.Int(7200)})
		if err != nil {
			t.Fatal(err)
		}
		if f.MimeType != "application/pdf" || f.SizeBytes != int64(len(paper)) || f.Filename != "a.pdf" || !strings.HasPrefix(f.ID, "file_") || f.Type != "file" || f.ExpiresAt.Sub(f.CreatedAt) != 2*time.Hour {
			t.Errorf("brought %s", f.RawJSON())
		}
		shaped(t, surfacetest.LoadContract(t, "protocols", "MessageError"), "createFile", f.RawJSON())
		image := h.upload(ann.key, "vision", picture) // what the other protocol's clients brought is the same
		again, err := c.Beta.Files.GetMetadata(t.Context(), f.ID, sdk.BetaFileGetMetadataParams{})
		if err != nil || again.ID != f.ID {
			t.Errorf("%+v (%v)", again, err)
		}
		page, err := c.Beta.Files.List(t.Context(), sdk.BetaFileListParams{Limit: sdk.Int(1)})
		if err != nil || len(page.Data) != 1 || page.NextPage == "" || page.Data[0].ID != "file_"+image.ID[5:] || page.Data[0].MimeType != "image/png" {
			t.Errorf("listed %+v (%v)", page, err)
		}
		if page, err = page.GetNextPage(); err != nil || len(page.Data) != 1 || page.Data[0].ID != f.ID || page.NextPage != "" {
			t.Errorf("the next page: %+v (%v)", page, err)
		}
		h.listedFiles(ann, "file_"+image.ID[5:], f.ID)
		ask := sdk.BetaMessageNewParams{Model: "claude", MaxTokens: 50, Messages: []sdk.BetaMessageParam{sdk.NewBetaUserMessage(
			sdk.NewBetaDocumentBlock(sdk.BetaFileDocumentSourceParam{FileID: f.ID}),
			sdk.NewBetaImageBlock(sdk.BetaFileImageSourceParam{FileID: "file_" + image.ID[5:]}), sdk.NewBetaTextBlock("What is this?"),
		)}}
		if _, err := c.Beta.Messages.New(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
		sent, _ := last.Load().(string)
		for _, want := range []string{
			`{"type":"base64","media_type":"application/pdf","data":"` + b64(paper) + `"}`, `{"type":"base64","media_type":"image/png","data":"` + b64(picture) + `"}`,
		} {
			if !strings.Contains(sent, want) || strings.Contains(sent, "file_id") {
				t.Errorf("the upstream got %s", sent)
			}
		}
		_, err = stranger.Beta.Messages.New(t.Context(), ask)
		sdkRefused(t, "somebody else's file", err, 404, "messages.0.content.0.source.file_id")
		_, err = stranger.Beta.Files.GetMetadata(t.Context(), f.ID, sdk.BetaFileGetMetadataParams{})
		sdkRefused(t, "somebody else's", err, 404, "not_found_error")
		_, err = stranger.Beta.Files.Delete(t.Context(), f.ID, sdk.BetaFileDeleteParams{})
		sdkRefused(t, "somebody else's to delete", err, 404, "not_found_error")
		if got, err := c.Beta.Files.Download(t.Context(), f.ID, sdk.BetaFileDownloadParams{}); err != nil || got.StatusCode != http.StatusOK {
			t.Errorf("%+v (%v)", got, err)
		} else {
			_ = got.Body.Close()
		}
		if gone, err := c.Beta.Files.Delete(t.Context(), f.ID, sdk.BetaFileDeleteParams{}); err != nil || gone.ID != f.ID || gone.Type != "file_deleted" {
			t.Errorf("deleted %+v (%v)", gone, err)
		}
		_, err = c.Beta.Messages.New(t.Context(), ask)
		sdkRefused(t, "a deleted file", err, 404, "There is no such file")
		h.clean()
	})
}

// listedFiles turns pages as older clients do, asks for files by their names, and for what there cannot be.
func (h *house) listedFiles(ann guest, newer, older string) {
	h.t.Helper()
	for query, want := range map[string]string{
		"limit=1": newer + " true", "after_id=" + newer: older + " false", "before_id=" + older: newer + " false", "ids[]=" + older + "&ids[]=file_0&ids[]=" + older: older + " false",
		"scope_id=x": "false",
	} {
		_, text := h.send("GET", "/v1/files?"+query, ann.key, nil, "Anthropic-Version", "2023-06-01")
		var p struct {
			Data []struct {
				ID string `json:"id"`
			} `json:"data"`
			HasMore bool `json:"has_more"`
		}
		if err := json.Unmarshal(text, &p); err != nil {
			h.t.Fatal(err)
		}
		got := ""
		for _, f := range p.Data {
			got += f.ID + " "
		}
		if got += fmt.Sprint(p.HasMore); got != want {
			h.t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"limit=0", "after_id=x", "page=x", "page=page_" + newer[5:] + "&after_id=" + newer, ids(101)} {
		resp, text := h.send("GET", "/v1/files?"+query, ann.key, nil, "Anthropic-Version", "2023-06-01")
		if resp.StatusCode != http.StatusBadRequest || !bytes.Contains(text, []byte("invalid_request_error")) {
			h.t.Errorf("%s: %d %s", query, resp.StatusCode, text)
		}
	}
}

func ids(n int) (query string) {
	for i := range n {
		query += fmt.Sprint("ids[]=", i, "&")
	}
	return query
}

// TestFilesGoToEveryUpstream names a file in every protocol, for upstreams of the other one, and in calls that nobody waits for.
func TestFilesGoToEveryUpstream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	last := h.watched("claude")
	fake := h.connect(map[string]string{"gpt-4o-mini": "chat", "gpt-4.1": "responses"})
	ann := h.invite("ann", "10")
	h.runTasks()
	pdf, note, image := h.upload(ann.key, "user_data", paper), h.note(ann), h.upload(ann.key, "vision", picture)
	document := func(file string) map[string]any {
		return map[string]any{"type": "document", "source": map[string]any{"type": "file", "file_id": file}}
	}
	user := func(part map[string]any) []any { return []any{map[string]any{"role": "user", "content": []any{part}}} }
	chatFile := func(file string) map[string]any {
		return map[string]any{"type": "file", "file": map[string]any{"file_id": file}}
	}
	for _, c := range []struct {
		path string
		body map[string]any
		want string
	}{
		{"/v1/chat/completions", map[string]any{"model": "gpt-4o-mini", "max_tokens": 9, "messages": user(chatFile(pdf.ID))}, `"file_data":"data:application/pdf;base64,` + b64(paper)},
		{"/v1/chat/completions", map[string]any{"model": "claude", "max_tokens": 9, "messages": user(chatFile(pdf.ID))}, `"media_type":"application/pdf","data":"` + b64(paper)},
		{"/v1/chat/completions", map[string]any{"model": "claude", "max_tokens": 9, "messages": user(chatFile(note.ID))}, `"data":"a note"`},
		{"/v1/messages", map[string]any{"model": "gpt-4o-mini", "max_tokens": 9, "messages": user(document(pdf.ID))}, `"file_data":"data:application/pdf;base64,` + b64(paper)},
		{"/v1/messages", map[string]any{"model": "gpt-4o-mini", "max_tokens": 9, "messages": user(document(note.ID))}, `"text":"a note"`},
		{"/v1/responses", map[string]any{"model": "gpt-4.1", "input": user(map[string]any{"type": "input_file", "file_id": pdf.ID})}, `"file_data":"data:application/pdf;base64,` + b64(paper)},
		{"/v1/responses", map[string]any{"model": "gpt-4.1", "input": user(map[string]any{"type": "input_image", "file_id": image.ID})}, `"image_url":"data:image/png;base64,` + b64(picture)},
		{"/v1/responses", map[string]any{"model": "claude", "input": user(map[string]any{"type": "input_image", "file_id": image.ID})}, `"media_type":"image/png","data":"` + b64(picture)},
	} {
		fake.Reset()
		last.Store("")
		if resp, text := h.send("POST", c.path, ann.key, c.body); resp.StatusCode != http.StatusOK {
			t.Errorf("%s %v: %d %s", c.path, c.body, resp.StatusCode, text)
			continue
		}
		sent, _ := last.Load().(string)
		if r, ok := fake.Last(); ok {
			sent = string(r.Body)
		}
		if !strings.Contains(sent, c.want) || strings.Contains(sent, "file_id") {
			t.Errorf("%s to %s: the upstream got %s, want %s", c.path, c.body["model"], sent, c.want)
		}
	}
	h.namedLater(ann, fake, pdf)
	h.clean()
}

// note is a text that somebody brought.
func (h *house) note(who guest) (f fileObject) {
	h.t.Helper()
	status, text := h.postForm("/v1/files", who.key, part{"purpose", "", "user_data"}, part{"file", "a.txt", "a note"})
	if err := json.Unmarshal(text, &f); err != nil || status != http.StatusOK {
		h.t.Fatalf("%d %s (%v)", status, text, err)
	}
	return f
}

// namedLater names a file in a task, in a batch's line, and in what a response continues.
func (h *house) namedLater(ann guest, fake *fakeopenai.Server, pdf fileObject) {
	h.t.Helper()
	want := "data:application/pdf;base64," + b64(paper)
	line := fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":9,"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":%q}}]}]}`, pdf.ID)
	v := h.accept("/v1/chat/completions", ann.key, json.RawMessage(line), "X-Async", "true")
	h.follow(v.ID, ann.key)
	made := h.batch(ann.key, "/v1/chat/completions", `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":`+line+`}`)
	if done := h.runBatch(made.ID, ann.key); done.RequestCounts.Completed != 1 {
		h.t.Errorf("%+v", done)
	}
	var first struct{ ID string }
	h.call("POST", "/v1/responses", ann.key, map[string]any{"model": "gpt-4.1", "input": []any{map[string]any{
		"role": "user", "content": []any{map[string]any{"type": "input_file", "file_id": pdf.ID}},
	}}}, &first, 200)
	h.call("POST", "/v1/responses", ann.key, map[string]any{"model": "gpt-4.1", "input": "and?", "previous_response_id": first.ID}, nil, 200)
	all := fake.Requests()
	for _, r := range all[len(all)-4:] {
		if !bytes.Contains(r.Body, []byte(want)) {
			h.t.Errorf("%s: %s", r.Path, r.Body)
		}
	}
	resp, items := h.send("GET", "/v1/responses/"+first.ID+"/input_items", ann.key, nil)
	if resp.StatusCode != http.StatusOK || !bytes.Contains(items, []byte(pdf.ID)) || bytes.Contains(items, []byte("base64")) {
		h.t.Errorf("what went in is kept as it was sent: %s", items)
	}
	h.call("DELETE", "/v1/files/"+pdf.ID, ann.key, nil, nil, 200)
	h.call("POST", "/v1/responses", ann.key, map[string]any{"model": "gpt-4.1", "input": "and?", "previous_response_id": first.ID}, nil, 404)
}

// TestFilesThatCannotBeNamed refuses files that are nobody's or somebody else's, of the wrong sort or too large, with the path.
func TestFilesThatCannotBeNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(a *App) { a.cfg.Relay.MaxBodyBytes, a.cfg.Relay.MaxMediaBytes = 64<<10, 64<<10 })
	h.watched("claude")
	fake := h.connect(map[string]string{"gpt-4o-mini": "chat", "gpt-4.1": "responses"})
	ann, bob := h.invite("ann", "10"), h.invite("bob", "10")
	note, large, his := h.upload(ann.key, "user_data", "a note"), h.upload(ann.key, "user_data", strings.Repeat("x", 60<<10)), h.upload(bob.key, "user_data", paper)
	unknown := "file-" + id.New().Compact()
	chatOf := func(file string) string {
		return fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":9,"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":%q}}]}]}`, file)
	}
	responseOf := func(part string) string {
		return `{"model":"gpt-4.1","input":[{"role":"user","content":[` + part + `]}]}`
	}
	messageOf := func(kind, file string) string {
		return fmt.Sprintf(`{"model":"claude","max_tokens":9,"messages":[{"role":"user","content":[{"type":%q,"source":{"type":"file","file_id":%q}}]}]}`, kind, file)
	}
	const chats, responses, messages = "/v1/chat/completions", "/v1/responses", "/v1/messages"
	for name, c := range map[string]struct {
		path, body, want string
		status           int
	}{
		"unknown in a chat":       {chats, chatOf(unknown), `"param":"messages[0].content[0].file.file_id"`, 404},
		"no name of ours":         {chats, chatOf("file-abc123"), `"param":"messages[0].content[0].file.file_id"`, 404},
		"his in a chat":           {chats, chatOf(his.ID), `"code":"file_not_found"`, 404},
		"his, spelled otherwise":  {chats, strings.Replace(chatOf(his.ID), `"file_id"`, `"\u0066ile\u005fid"`, 1), `"code":"file_not_found"`, 404},
		"too large":               {chats, chatOf(large.ID), `"param":"messages[0].content[0].file.file_id"`, 413},
		"his in a response":       {responses, responseOf(`{"type":"input_file","file_id":"` + his.ID + `"}`), `"param":"input[0].content[0].file_id"`, 404},
		"no picture":              {responses, responseOf(`{"type":"input_image","file_id":"` + note.ID + `"}`), `"param":"input[0].content[0].file_id"`, 400},
		"named and given":         {responses, responseOf(`{"type":"input_file","file_id":"` + note.ID + `","file_data":"x"}`), `"param":"input[0].content[0].file_id"`, 400},
		"many":                    {responses, responseOf(strings.TrimSuffix(strings.Repeat(`{"type":"input_file","file_id":"`+note.ID+`"},`, 101), ",")), `"param":"input[0].content[100].file_id"`, 400},
		"unknown in a message":    {messages, messageOf("document", unknown), "messages.0.content.0.source.file_id: There is no such file", 404},
		"his in a message":        {messages, messageOf("image", his.ID), "messages.0.content.0.source.file_id: There is no such file", 404},
		"no picture in a message": {messages, messageOf("image", note.ID), "messages.0.content.0.source.file_id: The file is no JPEG", 400},
		"too large for a message": {messages, messageOf("document", large.ID), "messages.0.content.0.source.file_id: The request is too large", 413},
		"his, counted":            {messages + "/count_tokens", messageOf("document", his.ID), "messages.0.content.0.source.file_id: There is no such file", 404},
	} {
		status, text := h.post(c.path, ann.key, "application/json", []byte(c.body))
		if status != c.status || !bytes.Contains(text, []byte(c.want)) {
			t.Errorf("%s: %d %s, want %d %s", name, status, text, c.status, c.want)
		}
	}
	if n := len(fake.Requests()); n > 0 {
		t.Errorf("the upstream was asked %d times", n)
	}
	h.clean()
}

// TestFilesHoldWhatTheyCanCost lets somebody with a few cents send a picture of megabytes: what is held goes by what it is.
func TestFilesHoldWhatTheyCanCost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watched("claude")
	ann := h.invite("ann", "0.05")
	image := h.upload(ann.key, "vision", picture+strings.Repeat("\x00", 3<<20))
	part := map[string]any{"type": "image", "source": map[string]any{"type": "file", "file_id": image.ID}}
	body := map[string]any{"model": "claude", "max_tokens": 20, "messages": []any{map[string]any{"role": "user", "content": []any{part}}}}
	h.call("POST", "/v1/messages", ann.key, body, nil, 200)
	h.clean()
}
