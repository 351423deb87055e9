package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

type fileObject struct {
	ID        string `json:"id"`
	Bytes     int64  `json:"bytes"`
	CreatedAt int64  `json:"created_at"`
	ExpiresAt int64  `json:"expires_at"`
	Filename  string `json:"filename"`
	Purpose   string `json:"purpose"`
	Status    string `json:"status"`
}

// part is one part of a form; a name makes it a file.
type part struct{ field, file, content string }

// postForm sends a form and returns the answer.
func (h *house) postForm(path, token string, parts ...part) (int, []byte) {
	h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, p := range parts {
		header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", p.field)}}
		if p.file != "" {
			header.Set("Content-Disposition", header.Get("Content-Disposition")+`; filename="`+p.file+`"`)
		}
		w, err := form.CreatePart(header)
		if err != nil {
			h.t.Fatal(err)
		}
		_, _ = io.WriteString(w, p.content)
	}
	_ = form.Close()
	return h.post(path, token, form.FormDataContentType(), body.Bytes())
}

// post sends a body of any kind.
func (h *house) post(path, token, contentType string, body []byte) (int, []byte) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, out
}

// upload brings a file.
func (h *house) upload(token, purpose, content string, more ...part) fileObject {
	h.t.Helper()
	status, text := h.postForm("/v1/files", token, append([]part{{"purpose", "", purpose}, {"file", "in.jsonl", content}}, more...)...)
	var f fileObject
	if err := json.Unmarshal(text, &f); err != nil || status != http.StatusOK {
		h.t.Fatalf("%d %s (%v)", status, text, err)
	}
	return f
}

func TestFilesAreTheirOwners(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann, bob := h.invite("ann", ""), h.invite("bob", "")
		first := h.upload(ann.key, "batch", "one\n", part{"expires_after[anchor]", "", "created_at"}, part{"expires_after[seconds]", "", "3600"})
		if !strings.HasPrefix(first.ID, "file-") || first.Bytes != 4 || first.ExpiresAt != first.CreatedAt+3600 || first.Status != "processed" || first.Filename != "in.jsonl" {
			t.Errorf("brought %+v", first)
		}
		second := h.upload(ann.key, "user_data", "two")
		h.upload(bob.key, "batch", "his")
		var seen struct {
			Data    []fileObject
			HasMore bool   `json:"has_more"`
			LastID  string `json:"last_id"`
		}
		h.call("GET", "/v1/files?limit=1", ann.key, nil, &seen, 200)
		if len(seen.Data) != 1 || seen.Data[0] != second || !seen.HasMore {
			t.Errorf("listed %+v", seen)
		}
		h.call("GET", "/v1/files?limit=1&after="+seen.LastID, ann.key, nil, &seen, 200)
		if len(seen.Data) != 1 || seen.Data[0] != first || seen.HasMore {
			t.Errorf("then %+v", seen)
		}
		h.call("GET", "/v1/files?purpose=user_data&order=asc", ann.key, nil, &seen, 200)
		if len(seen.Data) != 1 || seen.Data[0] != second {
			t.Errorf("of one purpose %+v", seen)
		}
		for _, path := range []string{"", "/content"} {
			h.call("GET", "/v1/files/"+first.ID+path, bob.key, nil, nil, 404)
		}
		h.call("DELETE", "/v1/files/"+first.ID, bob.key, nil, nil, 404)
		resp, content := h.send("GET", "/v1/files/"+first.ID+"/content", ann.key, nil)
		if string(content) != "one\n" || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("content %q, %v", content, resp.Header)
		}
		h.call("DELETE", "/v1/files/"+first.ID, ann.key, nil, nil, 200)
		h.call("GET", "/v1/files/"+first.ID+"/content", ann.key, nil, nil, 404)
		h.call("DELETE", "/v1/files/"+first.ID, ann.key, nil, nil, 404)
	})
}

func TestCallersFilesEnd(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var ahead time.Duration
	h := newHouse(t, func(a *App) {
		a.now = func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(ahead) }
	})
	ann := h.invite("ann", "")
	f := h.upload(ann.key, "batch", "one", part{"expires_after[anchor]", "", "created_at"}, part{"expires_after[seconds]", "", "3600"})
	mu.Lock()
	ahead = time.Hour + time.Second
	mu.Unlock()
	h.call("GET", "/v1/files/"+f.ID, ann.key, nil, nil, 404)
	if n, err := h.files.Tidy(t.Context()); err != nil || n != 1 {
		t.Errorf("%d forgotten (%v)", n, err)
	}
}

// TestFilesOfHostileCallers tries what must be refused, and names that must not be believed.
func TestFilesOfHostileCallers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(a *App) { a.cfg.Files.MaxBytes = 2048; a.cfg.Files.UserBytes = 1 << 20 })
	ann := h.invite("ann", "")
	file, purpose := part{"file", "a.jsonl", "x"}, part{"purpose", "", "batch"}
	for name, c := range map[string]struct {
		status int
		parts  []part
	}{
		"no file":          {400, []part{purpose}},
		"no purpose":       {400, []part{file}},
		"another purpose":  {400, []part{file, {"purpose", "", "batch_output"}}},
		"two files":        {400, []part{file, file, purpose}},
		"two purposes":     {400, []part{file, purpose, purpose}},
		"an empty file":    {400, []part{{"file", "a", ""}, purpose}},
		"too large":        {413, []part{{"file", "a", strings.Repeat("x", 2049)}, purpose}},
		"much too large":   {413, []part{{"file", "a", strings.Repeat("x", 1<<20)}, purpose}},
		"unknown":          {400, []part{file, purpose, {"tenant_id", "", "1"}}},
		"a long field":     {400, []part{file, {"purpose", "", strings.Repeat("x", 600)}}},
		"no anchor":        {400, []part{file, purpose, {"expires_after[seconds]", "", "3600"}}},
		"too soon":         {400, []part{file, purpose, {"expires_after[anchor]", "", "created_at"}, {"expires_after[seconds]", "", "3599"}}},
		"too late":         {400, []part{file, purpose, {"expires_after[anchor]", "", "created_at"}, {"expires_after[seconds]", "", "2592001"}}},
		"many parts":       {400, append(make([]part, 0), manyParts(100)...)},
		"a part's header":  {400, []part{file, {strings.Repeat("n", 8000), "", "x"}}},
		"a name of quotes": {400, []part{file, purpose, {"\"\r\nX", "", "x"}}},
	} {
		if status, text := h.postForm("/v1/files", ann.key, c.parts...); status != c.status || !bytes.Contains(text, []byte(`"error"`)) {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.status)
		}
	}
	for contentType, want := range map[string]int{
		"multipart/form-data": 400, "multipart/form-data; boundary=x": 400, "application/json": 415, "": 415, "text/plain": 415,
	} {
		if status, text := h.post("/v1/files", ann.key, contentType, []byte("{}")); status != want {
			t.Errorf("%q: %d %s, want %d", contentType, status, text, want)
		}
	}
	status, text := h.postForm("/v1/files", ann.key, purpose, part{"file", "..\\..\\etc/../pass\u202ewd.jsonl", "x"})
	var f fileObject
	if err := json.Unmarshal(text, &f); err != nil || status != 200 || f.Filename != "passwd.jsonl" {
		t.Errorf("%d %s (%v)", status, text, err)
	}
	for _, path := range []string{"file-", "file-..%2f..", "file-" + strings.Repeat("0", 32), f.ID + "0", "resp_" + f.ID[5:], "%00"} {
		h.call("GET", "/v1/files/"+path, ann.key, nil, nil, 404)
	}
	for _, query := range []string{"limit=0", "limit=x", "order=up", "after=x", "limit=10001"} {
		h.call("GET", "/v1/files?"+query, ann.key, nil, nil, 400)
	}
}

func manyParts(n int) (out []part) {
	for i := range n {
		out = append(out, part{fmt.Sprint("p", i), "", "x"})
	}
	return out
}

// TestFilesHaveAQuota brings more files at once than there is room for.
func TestFilesHaveAQuota(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ann := h.invite("ann", "")
		var wg sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 20 {
			wg.Go(func() {
				status, text := h.postForm("/v1/files", ann.key, part{"purpose", "", "batch"}, part{"file", "a", "xx"})
				mu.Lock()
				defer mu.Unlock()
				if statuses[status]++; status == 403 && !bytes.Contains(text, []byte("storage_quota_exceeded")) {
					t.Errorf("%s", text)
				}
			})
		}
		wg.Wait()
		if statuses[200] != 5 || statuses[403] != 15 {
			t.Errorf("answered %v", statuses)
		}
	}, func(a *App) { a.cfg.Files.PerUser = 5 })
}
