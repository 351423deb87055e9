package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

type videoObject struct {
	ID          string  `json:"id"`
	Object      string  `json:"object"`
	Status      string  `json:"status"`
	Progress    int     `json:"progress"`
	Prompt      string  `json:"prompt"`
	Seconds     string  `json:"seconds"`
	Size        string  `json:"size"`
	RemixedFrom *string `json:"remixed_from_video_id"`
	Expires     *int64  `json:"expires_at"`
	Error       *struct {
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

// TestVideosAreRemixed has a video made from another at the account that has it, charged like one of its own.
func TestVideosAreRemixed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		first, second := fakeopenai.New(fakeopenai.Options{}), fakeopenai.New(fakeopenai.Options{})
		for key, fake := range map[string]*fakeopenai.Server{"one": first, "two": second} {
			h.offerVideos(key, newServer(t, fake)+"/v1")
		}
		ann, bob := h.invite("ann", "100"), h.invite("bob", "100")
		h.runTasks()
		made := h.video(ann, "/v1/videos", map[string]any{"model": "film", "prompt": "a paper boat", "seconds": "8", "size": "1280x720"})
		whole := h.spent(ann)
		at, other := first, second
		if second.Submitted() == 1 {
			at, other = second, first
		}
		for n := range 2 {
			again := h.video(ann, "/v1/videos/"+made.ID+"/remix", map[string]any{"prompt": "at night"})
			if again.RemixedFrom == nil || *again.RemixedFrom != made.ID || again.Prompt != "at night" || again.Seconds != "8" || again.Size != "1280x720" {
				t.Errorf("%+v", again)
			}
			if at.Submitted() != n+2 || other.Submitted() != 0 {
				t.Errorf("the first account made %d, the other %d", at.Submitted(), other.Submitted())
			}
			made = again // and the next one is made from that
		}
		if all := h.spent(ann); whole == 0 || all != 3*whole {
			t.Errorf("one costs %v, three %v", whole, all)
		}
		h.call("POST", "/v1/videos/"+made.ID+"/remix", bob.key, map[string]any{"prompt": "x"}, nil, 404)
		h.call("POST", "/v1/videos", bob.key, map[string]any{"model": "film", "prompt": "x", "remixed_from_video_id": made.ID}, nil, 404)
		h.clean()
	})
}

// offerVideos makes an upstream a platform with a model for videos.
func (h *house) offerVideos(key, url string) {
	h.t.Helper()
	var p struct{ ID string }
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "openai", "name": key, "platformKey": key, "baseUrl": url, "credentials": map[string]any{"apiKey": fakeopenai.DefaultKey},
	}, &p, 201)
	h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
		"modelAlias": "film", "providerModelName": fakeopenai.VideoModel, "modelType": []string{"video"}, "enabled": true,
		"billingConfig": json.RawMessage(`{"currency":"USD","rules":[{"resourceType":"video_second","unit":"second","basePrice":0.1}]}`),
	}, nil, 201)
}

// video has a video made and waits for it.
func (h *house) video(who guest, path string, body any) (v videoObject) {
	h.t.Helper()
	h.call("POST", path, who.key, body, &v, 200)
	h.follow(taskOf(v.ID), who.key)
	h.call("GET", "/v1/videos/"+v.ID, who.key, nil, &v, 200)
	if v.Status != "completed" {
		h.t.Fatalf("%s: %+v %+v", path, v, v.Error)
	}
	return v
}

// taskOf is the task of a video's name.
func taskOf(name string) string {
	digits := strings.TrimPrefix(name, "video_")
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// TestVideosThatCannotBeRemixed refuses what there is not, what is not done, and what nobody describes.
func TestVideosThatCannotBeRemixed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.invite("ann", "")
	var waiting videoObject
	h.call("POST", "/v1/videos", ann.key, boat, &waiting, 200)
	night := map[string]any{"prompt": "at night"}
	h.call("POST", "/v1/videos/"+waiting.ID+"/remix", ann.key, night, nil, 400)
	h.call("POST", "/v1/videos", ann.key, map[string]any{"model": "sim-video", "prompt": "x", "remixed_from_video_id": waiting.ID}, nil, 400)
	h.runTasks()
	h.follow(taskOf(waiting.ID), ann.key)
	again := h.video(ann, "/v1/videos/"+waiting.ID+"/remix", night)
	if again.Seconds != "1" || again.Size != "32x32" {
		t.Errorf("by the simulator: %+v", again)
	}
	for name, one := range map[string]struct {
		path, key string
		body      any
		status    int
	}{
		"no prompt":       {waiting.ID, ann.key, map[string]any{}, 400},
		"a wrong prompt":  {waiting.ID, ann.key, map[string]any{"prompt": 5}, 400},
		"no video":        {"video_0", ann.key, night, 404},
		"another's name":  {"resp_" + waiting.ID[6:], ann.key, night, 404},
		"nobody":          {waiting.ID, "sk-nobody", night, 401},
		"for other calls": {waiting.ID, h.scoped(ann, "models"), night, 403},
	} {
		if resp, text := h.send("POST", "/v1/videos/"+one.path+"/remix", one.key, one.body); resp.StatusCode != one.status || !bytes.Contains(text, []byte(`"error"`)) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
		}
	}
	h.call("DELETE", "/v1/videos/"+waiting.ID, ann.key, nil, nil, 200)
	h.call("POST", "/v1/videos/"+waiting.ID+"/remix", ann.key, night, nil, 404)
	h.clean()
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
