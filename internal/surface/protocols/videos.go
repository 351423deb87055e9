package protocols

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// Made is what tasks made, for as long as it is kept.
type Made interface {
	// Open opens the first thing that a task of the owner's made. Codes: not_found, storage_unavailable.
	Open(ctx context.Context, o identity.Owner, task id.ID) (content io.ReadSeekCloser, contentType string, err error)
	// Forget removes all that it made.
	Forget(ctx context.Context, o identity.Owner, task id.ID) error
}

var (
	errVideo    = fault.ErrNotFound.Saying("There is no such video, or it has expired.")
	errNotReady = fault.New(http.StatusNotFound, "video_not_ready", "The video is not ready. Ask for its status first.")
	errPrompt   = fault.ErrInvalid.Saying("Missing required parameter: 'prompt'.").At("prompt")
	errUnmade   = fault.New(http.StatusBadRequest, "video_not_completed", "Only videos that are completed can be remixed.").At("video_id")
	errVariant  = fault.ErrInvalid.Saying("Only the variant 'video' is kept.").At("variant")
	errStays    = fault.New(http.StatusConflict, "video_in_progress", "The video is being made and could not be stopped yet. Try again.")
)

// mountVideos adds videos in the protocol's own shape, over tasks.
func (s *surface) mountVideos(r chi.Router) {
	const one = "/v1/videos/{videoID}"
	r.Post("/v1/videos", s.createVideo)
	r.Get("/v1/videos", s.owned(identity.ScopeVideo, s.listVideos))
	r.Get(one, s.owned(identity.ScopeVideo, s.getVideo))
	r.Delete(one, s.owned(identity.ScopeVideo, s.deleteVideo))
	r.Post(one+"/remix", s.owned(identity.ScopeVideo, s.remixVideo))
	r.Get(one+"/content", s.owned(identity.ScopeVideo, s.videoContent))
}

// videoView is a video as the protocol shows it.
type videoView struct {
	ID          string      `json:"id"`
	Object      string      `json:"object"`
	Model       string      `json:"model"`
	Status      string      `json:"status"`
	Progress    int64       `json:"progress"`
	CreatedAt   int64       `json:"created_at"`
	CompletedAt *int64      `json:"completed_at"`
	ExpiresAt   *int64      `json:"expires_at"`
	Prompt      string      `json:"prompt"`
	Size        *string     `json:"size"`
	Seconds     string      `json:"seconds"`
	RemixedFrom *string     `json:"remixed_from_video_id"`
	Error       *videoError `json:"error"`
}

type videoError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func showVideo(k *tasks.Kept, t *tasks.Task) videoView {
	var asked openai.VideoAsked
	_ = json.Unmarshal(k.Input, &asked) // we wrote it
	v := videoView{
		ID: openai.Name(openai.PrefixVideo, k.ID), Object: "video", Model: k.Model, Status: "queued", CreatedAt: k.CreatedAt.Unix(),
		Prompt: asked.Prompt, Seconds: strconv.FormatInt(asked.Seconds, 10),
	}
	if asked.Size != "" {
		v.Size = &asked.Size
	}
	if asked.RemixedFrom != "" {
		v.RemixedFrom = &asked.RemixedFrom
	}
	switch t.Status {
	case tasks.Running:
		v.Status = "in_progress"
	case tasks.Succeeded:
		v.Status, v.Progress, v.CompletedAt, v.ExpiresAt = "completed", 100, moment(t.FinishedAt), moment(k.ExpiresAt)
	case tasks.Failed, tasks.Canceled:
		v.Status, v.Error = "failed", &videoError{t.ErrorCode, t.ErrorMessage}
	case tasks.Initial, tasks.Queued:
	}
	return v
}

// createVideo takes up the call as a task: nobody can wait for a video.
func (s *surface) createVideo(w http.ResponseWriter, req *http.Request) {
	if err := s.takeVideo(w, req); err != nil {
		s.refuse(w, req, err)
	}
}

func (s *surface) takeVideo(w http.ResponseWriter, req *http.Request) error {
	v, err := s.Take(w, req, videos)
	maps.Copy(w.Header(), v.Header)
	if err != nil {
		return err
	}
	if v.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	owner := identity.Owner{TenantID: v.Task.TenantID, UserID: v.Task.UserID}
	k, err := s.Shelf.Get(req.Context(), owner, inference.VideoGenerations, v.Task.ID)
	if err != nil {
		return unknownVideo(err)
	}
	return httpx.WriteJSON(w, http.StatusOK, showVideo(&k, &v.Task))
}

// remixVideo takes up a video that is made from another one, as long and as large as that is: at the upstream account that has
// it.
func (s *surface) remixVideo(w http.ResponseWriter, req *http.Request, who *caller) error {
	k, t, err := s.videoOf(req, who)
	if err != nil {
		return err
	}
	var wanted struct {
		Prompt string `json:"prompt"`
	}
	if err := httpx.Decode(req, &wanted); err != nil {
		return err
	}
	switch {
	case wanted.Prompt == "":
		return errPrompt
	case t.Status != tasks.Succeeded:
		return errUnmade
	}
	var asked openai.VideoAsked
	_ = json.Unmarshal(k.Input, &asked) // we wrote it
	body := asked.Remix(openai.Name(openai.PrefixVideo, k.ID), wanted.Prompt)
	again := req.Clone(req.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return s.takeVideo(w, again)
}

// videoOf is the video that the path names, and its task. Code: not_found.
func (s *surface) videoOf(req *http.Request, who *caller) (k tasks.Kept, t tasks.Task, err error) {
	task, ok := openai.ParseName(openai.PrefixVideo, chi.URLParam(req, "videoID"))
	if !ok {
		return k, t, errVideo
	}
	if k, err = s.Shelf.Get(req.Context(), who.owner, inference.VideoGenerations, task); err != nil {
		return k, t, unknownVideo(err)
	}
	t, err = s.Tasks.TaskByID(req.Context(), k.UserID, k.ID)
	return k, t, unknownVideo(err)
}

func unknownVideo(err error) error {
	if errors.Is(err, fault.ErrNotFound) {
		return errVideo
	}
	return err
}

func (s *surface) getVideo(w http.ResponseWriter, req *http.Request, who *caller) error {
	k, t, err := s.videoOf(req, who)
	if err != nil {
		return err
	}
	v := showVideo(&k, &t)
	if t.Status == tasks.Running {
		if v.Progress, err = s.progress(req.Context(), t.ID); err != nil {
			return err
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, v)
}

// progress is how far a task is, in percent, as far as anybody has told.
func (s *surface) progress(ctx context.Context, task id.ID) (int64, error) {
	events, err := s.Tasks.EventList(ctx, task, 0)
	for _, e := range slices.Backward(events) {
		if e.Progress >= 0 {
			return e.Progress, nil
		}
	}
	return 0, err
}

func (s *surface) listVideos(w http.ResponseWriter, req *http.Request, who *caller) error {
	p, err := readPage(req, 100)
	if err != nil {
		return err
	}
	after, err := p.behind(openai.PrefixVideo)
	if err != nil {
		return err
	}
	found, err := s.Shelf.List(req.Context(), who.owner, inference.VideoGenerations, after, p.asc, p.limit)
	if err != nil {
		return err
	}
	entries := make([]entry, 0, len(found))
	for i := range found {
		t, err := s.Tasks.TaskByID(req.Context(), who.UserID, found[i].ID)
		if err != nil {
			return unknownVideo(err)
		}
		v := showVideo(&found[i], &t)
		entries = append(entries, entryOf(v.ID, v))
	}
	return httpx.WriteJSON(w, http.StatusOK, listOf(cut(entries, p.limit)))
}

// deleteVideo forgets a video and its file. One that is being made is stopped first; what is paid for by then is charged.
func (s *surface) deleteVideo(w http.ResponseWriter, req *http.Request, who *caller) error {
	k, t, err := s.videoOf(req, who)
	if err != nil {
		return err
	}
	if !t.Status.Final() {
		if err := s.stopVideo(req, who, t.ID); err != nil {
			return err
		}
	}
	if err := s.Made.Forget(req.Context(), who.owner, k.ID); err != nil {
		return err
	}
	if err := s.Shelf.Delete(req.Context(), who.owner, inference.VideoGenerations, k.ID); err != nil {
		return unknownVideo(err)
	}
	return httpx.WriteJSON(w, http.StatusOK, deleted{openai.Name(openai.PrefixVideo, k.ID), "video.deleted", true})
}

// stopVideo ends the task of a video and waits for its end. Code: video_in_progress when that takes long.
func (s *surface) stopVideo(req *http.Request, who *caller, task id.ID) error {
	_, err := s.Desk.Cancel(req.Context(), who.Actor(who.client), who.UserID, task)
	if err != nil && !errors.Is(err, tasks.ErrEnded) {
		return unknownVideo(err)
	}
	ended, err := s.watch(req.Context(), nil, who.UserID, task, cancelWithin)
	if err == nil && !ended {
		err = errStays
	}
	return err
}

func (s *surface) videoContent(w http.ResponseWriter, req *http.Request, who *caller) error {
	k, t, err := s.videoOf(req, who)
	if err != nil {
		return err
	}
	q := httpx.QueryOf(req)
	variant := q.Text("variant")
	switch {
	case q.Err() != nil:
		return q.Err()
	case variant != "" && variant != "video":
		return errVariant
	case t.Status != tasks.Succeeded:
		return errNotReady
	}
	content, contentType, err := s.Made.Open(req.Context(), who.owner, k.ID)
	if err != nil {
		return unknownVideo(err)
	}
	defer content.Close()
	sendFile(w, req, content, contentType, `attachment; filename="`+openai.Name(openai.PrefixVideo, k.ID)+`.mp4"`)
	return nil
}
