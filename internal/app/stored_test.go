package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

// TestWhatLivesOnFollowsTheContract holds the answers of the operations on things that are kept, good and bad ones, against the
// contract.
func TestWhatLivesOnFollowsTheContract(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		contract := surfacetest.LoadContract(t, "protocols", "Error")
		ann, eve := h.invite("ann", ""), h.invite("eve", "")
		h.runTasks()
		made := h.respond(ann.key, respond("sim-chat", "hello", nil))
		queued := h.respond(ann.key, respond("sim-chat", "hello", map[string]any{"background": true}))
		file := h.upload(ann.key, "batch", chatLine("a", "sim-chat"))
		batch := h.runBatch(h.batch(ann.key, "/v1/chat/completions", chatLine("a", "sim-chat")).ID, ann.key)
		var video videoObject
		h.call("POST", "/v1/videos", ann.key, boat, &video, 200)
		none := strings.Repeat("0", 32)
		for _, c := range []struct {
			operation, method, path string
			who                     string
			body                    any
			status                  int
		}{
			{"getResponse", "GET", "/v1/responses/" + made.ID, ann.key, nil, 200},
			{"getResponse", "GET", "/v1/responses/" + queued.ID, ann.key, nil, 200},
			{"getResponse", "GET", "/v1/responses/" + made.ID + "?stream=maybe", ann.key, nil, 400},
			{"getResponse", "GET", "/v1/responses/" + made.ID, eve.key, nil, 404},
			{"getResponse", "GET", "/v1/responses/" + made.ID, "sk-nobody", nil, 401},
			{"cancelResponse", "POST", "/v1/responses/" + queued.ID + "/cancel", ann.key, nil, 200},
			{"cancelResponse", "POST", "/v1/responses/" + made.ID + "/cancel", ann.key, nil, 400},
			{"listResponseInputItems", "GET", "/v1/responses/" + made.ID + "/input_items", ann.key, nil, 200},
			{"listResponseInputItems", "GET", "/v1/responses/" + made.ID + "/input_items?limit=0", ann.key, nil, 400},
			{"deleteResponse", "DELETE", "/v1/responses/" + made.ID, eve.key, nil, 404},
			{"deleteResponse", "DELETE", "/v1/responses/" + made.ID, ann.key, nil, 200},
			{"createFile", "POST", "/v1/files", ann.key, map[string]any{}, 415},
			{"listFiles", "GET", "/v1/files", ann.key, nil, 200},
			{"listFiles", "GET", "/v1/files?after=nothing", ann.key, nil, 400},
			{"getFile", "GET", "/v1/files/" + file.ID, ann.key, nil, 200},
			{"getFile", "GET", "/v1/files/file-" + none, ann.key, nil, 404},
			{"getFileContent", "GET", "/v1/files/" + file.ID + "/content", eve.key, nil, 404},
			{"createBatch", "POST", "/v1/batches", ann.key, map[string]any{"input_file_id": file.ID, "endpoint": "/v1/chat/completions", "completion_window": "24h"}, 200},
			{"createBatch", "POST", "/v1/batches", eve.key, map[string]any{"input_file_id": file.ID, "endpoint": "/v1/chat/completions", "completion_window": "24h"}, 400},
			{"listBatches", "GET", "/v1/batches", ann.key, nil, 200},
			{"getBatch", "GET", "/v1/batches/" + batch.ID, ann.key, nil, 200},
			{"getBatch", "GET", "/v1/batches/" + batch.ID, eve.key, nil, 404},
			{"cancelBatch", "POST", "/v1/batches/" + batch.ID + "/cancel", ann.key, nil, 409},
			{"deleteFile", "DELETE", "/v1/files/" + file.ID, ann.key, nil, 200},
			{"createVideo", "POST", "/v1/videos", ann.key, boat, 200},
			{"createVideo", "POST", "/v1/videos", ann.key, map[string]any{"model": "sim-video"}, 400},
			{"listVideos", "GET", "/v1/videos", ann.key, nil, 200},
			{"getVideo", "GET", "/v1/videos/" + video.ID, ann.key, nil, 200},
			{"getVideo", "GET", "/v1/videos/" + video.ID, eve.key, nil, 404},
			{"getVideoContent", "GET", "/v1/videos/video_" + none + "/content", ann.key, nil, 404},
			{"deleteVideo", "DELETE", "/v1/videos/" + video.ID, eve.key, nil, 404},
		} {
			resp, text := h.send(c.method, c.path, c.who, c.body)
			if resp.StatusCode != c.status {
				t.Errorf("%s %s: %d %s, want %d", c.method, c.path, resp.StatusCode, text, c.status)
			}
			if err := contract.CheckAnswer(c.operation, resp.StatusCode, text); err != nil {
				t.Errorf("%s: %v", c.operation, err)
			}
		}
	})
}

// TestNothingIsKeptWhereNothingIsToBe leaves responses to their upstream.
func TestNothingIsKeptWhereNothingIsToBe(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(a *App) { a.cfg.Responses.Retention = 0 })
	ann := h.invite("ann", "")
	made := h.respond(ann.key, respond("sim-chat", "hello", nil))
	h.call("GET", "/v1/responses/"+made.ID, ann.key, nil, nil, 404)
	h.call("POST", "/v1/responses", ann.key, respond("sim-chat", "x", map[string]any{"background": true}), nil, 400)
	h.call("POST", "/v1/responses", ann.key, respond("sim-chat", "x", map[string]any{"previous_response_id": made.ID}), nil, 200)
}

// TestKeysNeedScopesForWhatLivesOn asks with a key that allows nothing of it.
func TestKeysNeedScopesForWhatLivesOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.invite("ann", "")
	var key struct {
		Secret string `json:"secret"`
	}
	h.call("POST", "/api/v1/api-keys", h.signIn("ann"), map[string]any{"name": "narrow", "scopes": []string{"models"}}, &key, 201)
	none := strings.Repeat("0", 32)
	for _, c := range [][2]string{
		{"GET", "/v1/responses/resp_" + none},
		{"DELETE", "/v1/responses/resp_" + none},
		{"POST", "/v1/responses/resp_" + none + "/cancel"},
		{"GET", "/v1/responses/resp_" + none + "/input_items"},
		{"GET", "/v1/files"},
		{"POST", "/v1/files"},
		{"GET", "/v1/batches"},
		{"POST", "/v1/batches"},
		{"GET", "/v1/videos"},
		{"POST", "/v1/videos"},
		{"DELETE", "/v1/videos/video_" + none},
	} {
		resp, text := h.send(c[0], c[1], key.Secret, map[string]any{})
		var out struct {
			Error struct {
				Code string `json:"code"`
			} `json:"error"`
		}
		if err := json.Unmarshal(text, &out); err != nil || resp.StatusCode != http.StatusForbidden || out.Error.Code != "insufficient_scope" {
			t.Errorf("%s %s: %d %s", c[0], c[1], resp.StatusCode, text)
		}
	}
}
