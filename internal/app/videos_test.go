package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

type videoObject struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Status   string `json:"status"`
	Progress int    `json:"progress"`
	Prompt   string `json:"prompt"`
	Seconds  string `json:"seconds"`
	Expires  *int64 `json:"expires_at"`
	Error    *struct {
		Code string `json:"code"`
	} `json:"error"`
}

var boat = map[string]any{"model": "sim-video", "prompt": "a paper boat", "seconds": "1", "size": "32x32"}

func TestVideosInTheProtocolsOwnShape(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		ann, bob := h.invite("ann", ""), h.invite("bob", "")
		var made videoObject
		h.call("POST", "/v1/videos", ann.key, boat, &made, 200)
		if !strings.HasPrefix(made.ID, "video_0") || made.Object != "video" || made.Status != "queued" || made.Prompt != "a paper boat" || made.Seconds != "1" {
			t.Errorf("made %+v", made)
		}
		h.call("GET", "/v1/videos/"+made.ID+"/content", ann.key, nil, nil, 404)
		h.runTasks()
		task := made.ID[6:14] + "-" + made.ID[14:18] + "-" + made.ID[18:22] + "-" + made.ID[22:26] + "-" + made.ID[26:]
		h.follow(task, ann.key)
		var done videoObject
		h.call("GET", "/v1/videos/"+made.ID, ann.key, nil, &done, 200)
		if done.Status != "completed" || done.Progress != 100 || done.Expires == nil || done.Error != nil {
			t.Errorf("ended %+v", done)
		}
		resp, film := h.send("GET", "/v1/videos/"+made.ID+"/content", ann.key, nil)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "video/mp4" || !bytes.Contains(film[:min(64, len(film))], []byte("ftyp")) {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		resp, _ = h.send("GET", "/v1/videos/"+made.ID+"/content", ann.key, nil, "Range", "bytes=0-9")
		if resp.StatusCode != http.StatusPartialContent {
			t.Errorf("a part: %d", resp.StatusCode)
		}
		h.call("GET", "/v1/videos/"+made.ID+"/content?variant=thumbnail", ann.key, nil, nil, 400)
		for _, c := range [][2]string{{"GET", ""}, {"GET", "/content"}, {"DELETE", ""}} {
			h.call(c[0], "/v1/videos/"+made.ID+c[1], bob.key, nil, nil, 404)
			h.call(c[0], "/v1/videos/resp_"+made.ID[6:]+c[1], ann.key, nil, nil, 404)
		}
		h.call("GET", "/v1/responses/resp_"+made.ID[6:], ann.key, nil, nil, 404)
		var list struct{ Data []videoObject }
		h.call("GET", "/v1/videos?order=asc", ann.key, nil, &list, 200)
		if len(list.Data) != 1 || list.Data[0].ID != made.ID || list.Data[0].Status != "completed" {
			t.Errorf("listed %+v", list)
		}
		h.call("GET", "/v1/videos", bob.key, nil, &list, 200)
		if len(list.Data) != 0 {
			t.Errorf("somebody else sees %+v", list)
		}
		h.call("DELETE", "/v1/videos/"+made.ID, ann.key, nil, nil, 200)
		h.call("GET", "/v1/videos/"+made.ID+"/content", ann.key, nil, nil, 404)
		h.call("GET", "/v1/videos", ann.key, nil, &list, 200)
		if len(list.Data) != 0 {
			t.Errorf("deleted, but %+v", list)
		}
		h.clean()
	})
}

func TestVideosAreStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.invite("ann", "")
	var made videoObject
	h.call("POST", "/v1/videos", ann.key, boat, &made, 200)
	h.call("DELETE", "/v1/videos/"+made.ID, ann.key, nil, nil, 200)
	h.call("GET", "/v1/videos/"+made.ID, ann.key, nil, nil, 404)
	h.clean()
}

// TestVideosOfForms brings the picture to begin with as a file.
func TestVideosOfForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.invite("ann", "")
	const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
	fields := []part{{"model", "", "sim-video"}, {"prompt", "", "a boat"}, {"seconds", "", "2"}}
	status, text := h.postForm("/v1/videos", ann.key, fields...)
	var made videoObject
	if err := json.Unmarshal(text, &made); err != nil || status != 200 || made.Seconds != "2" {
		t.Errorf("%d %s (%v)", status, text, err)
	}
	// The simulator's model takes no pictures, and says so: the one in the form was seen.
	status, text = h.postForm("/v1/videos", ann.key, append(fields, part{"input_reference", "a.png", png})...)
	if status != 400 || !bytes.Contains(text, []byte("unsupported_input")) {
		t.Errorf("with a picture: %d %s", status, text)
	}
	for name, more := range map[string][]part{
		"no picture":   {{"input_reference", "a.png", "<html>"}},
		"two pictures": {{"input_reference", "a.png", png}, {"input_reference", "b.png", png}},
		"twice":        {{"prompt", "", "again"}},
	} {
		if status, text := h.postForm("/v1/videos", ann.key, append(append([]part{}, fields...), more...)...); status != 400 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	h.call("POST", "/v1/videos", ann.key, map[string]any{"model": "sim-video"}, nil, 400)
	h.call("POST", "/v1/videos", "sk-nobody", boat, nil, 401)
	h.call("POST", "/v1/videos", ann.key, map[string]any{"model": "none", "prompt": "x"}, nil, 404)
}
