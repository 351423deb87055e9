package app

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func video() map[string]any {
	return map[string]any{"model": "sim-video", "prompt": "a gate that opens", "seconds": 2, "size": "64x64"}
}

// madeBy returns what a task's result links to.
func (h *house) madeBy(v taskView) []byte {
	h.t.Helper()
	var result struct {
		Data []struct {
			URL string `json:"url"`
		} `json:"data"`
	}
	if err := json.Unmarshal(v.Result, &result); err != nil || len(result.Data) != 1 {
		h.t.Fatalf("result %s: %v", v.Result, err)
	}
	resp, err := http.Get(result.Data[0].URL)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %d %v", result.Data[0].URL, resp.StatusCode, err)
	}
	return content
}

func TestVideosAndPicturesAreMadeByTasks(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		u := h.invite("ada", "")
		h.runTasks()
		film := h.accept("/api/v1/videos/generations", u.key, video(), "X-Simulation", "ms=300")
		lost := h.accept("/api/v1/videos/generations", u.key, video(), "X-Simulation", "fault=cut;ms=100")
		fails := h.accept("/api/v1/videos/generations", u.key, video(), "X-Simulation", "fault=fail;ms=100")
		picture := h.accept("/api/v1/images/generations", u.key,
			map[string]any{"model": "sim-image", "prompt": "a gate", "size": "64x64", "response_format": "url"})
		for _, v := range []taskView{film, lost, fails, picture} {
			h.follow(v.ID, u.key)
		}
		if film = h.task(film.ID, u.key); film.Status != "succeeded" || film.BillingSummary.AmountText != "0.2" || !strings.Contains(string(h.madeBy(film)[:12]), "ftyp") {
			t.Errorf("a film: %+v", film)
		}
		if lost = h.task(lost.ID, u.key); lost.Status != "succeeded" || len(lost.Attempts) != 1 {
			t.Errorf("a film whose submit got no answer: %+v", lost)
		}
		if fails = h.task(fails.ID, u.key); fails.Status != "failed" || fails.BillingSummary.AmountText != "0" {
			t.Errorf("a film that fails: %+v", fails)
		}
		if picture = h.task(picture.ID, u.key); picture.Status != "succeeded" || !strings.HasPrefix(string(h.madeBy(picture)), "\x89PNG") {
			t.Errorf("a picture: %+v", picture)
		}
		h.clean()
	})
}

func TestAVideoIsCanceledAtItsUpstream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	u := h.invite("ada", "")
	h.runTasks()
	v := h.accept("/api/v1/videos/generations", u.key, video(), "X-Simulation", "ms=600000")
	news := h.progressOf(v.ID, u.key)
	h.call("POST", "/api/console/tasks/"+v.ID+"/cancel", h.signIn("ada"), nil, nil, 200)
	<-news
	if v = h.task(v.ID, u.key); v.Status != "cancelled" || v.BillingSummary.AmountText != "0" {
		t.Errorf("%+v", v)
	}
	h.clean()
}

// progressOf returns when the upstream has the task's job, with a channel that is closed when the task has ended.
func (h *house) progressOf(task, token string) <-chan struct{} {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/api/v1/tasks/"+task+"/events", http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	var seen strings.Builder
	for buf := make([]byte, 512); !strings.Contains(seen.String(), "task.progress"); {
		n, err := resp.Body.Read(buf)
		if seen.Write(buf[:n]); err != nil {
			h.t.Fatalf("%v after %s", err, &seen)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
	}()
	return ended
}
