package protocols

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

var (
	errResponse = fault.ErrNotFound.Saying("There is no such response, or it has expired.")
	errWaited   = fault.ErrInvalid.Saying("Only background responses can be streamed again.").At("stream")
	errNoCancel = fault.ErrInvalid.Saying("Only background responses can be cancelled.")
	errAfter    = fault.ErrInvalid.Saying("This is not the id of an item of the list.").At("after")
)

// mountResponses adds what lives on after a response was made.
func (s *surface) mountResponses(r chi.Router) {
	const one = "/v1/responses/{responseID}"
	r.Get(one, s.owned(identity.ScopeResponses, s.getResponse))
	r.Delete(one, s.owned(identity.ScopeResponses, s.deleteResponse))
	r.Post(one+"/cancel", s.owned(identity.ScopeResponses, s.cancelResponse))
	r.Get(one+"/input_items", s.owned(identity.ScopeResponses, s.listInputItems))
}

// responseOf is the response that the path names. Code: not_found.
func responseOf(req *http.Request) (id.ID, error) {
	task, ok := openai.ParseName(openai.PrefixResponse, chi.URLParam(req, "responseID"))
	if !ok {
		return id.ID{}, errResponse
	}
	return task, nil
}

// kept is the response that the path names, if it is the caller's. Code: not_found.
func (s *surface) kept(req *http.Request, who *caller) (tasks.Kept, error) {
	task, err := responseOf(req)
	if err != nil {
		return tasks.Kept{}, err
	}
	k, err := s.Shelf.Get(req.Context(), who.owner, inference.Responses, task)
	return k, unknownResponse(err)
}

func unknownResponse(err error) error {
	if errors.Is(err, fault.ErrNotFound) {
		return errResponse
	}
	return err
}

// getResponse answers with a response as it stands, or tells it as events.
func (s *surface) getResponse(w http.ResponseWriter, req *http.Request, who *caller) error {
	k, err := s.kept(req, who)
	if err != nil {
		return err
	}
	q := httpx.QueryOf(req)
	stream, after := q.Bool("stream"), q.Int(-1, 0, maxSequence, "starting_after")
	if err := q.Err(); err != nil {
		return err
	}
	if stream != nil && *stream {
		if !k.Background {
			return errWaited
		}
		return s.replayResponse(w, req, &k, int64(after))
	}
	body, err := s.responseNow(req, &k)
	if err == nil {
		writeJSON(w, body)
	}
	return err
}

// responseNow is a response as it stands.
func (s *surface) responseNow(req *http.Request, k *tasks.Kept) ([]byte, error) {
	if len(k.Answer) > 0 {
		return k.Answer, nil
	}
	t, err := s.Tasks.TaskByID(req.Context(), k.UserID, k.ID)
	if err != nil {
		return nil, unknownResponse(err)
	}
	if t.Status == tasks.Succeeded { // it has ended since the look before
		again, err := s.Shelf.Get(req.Context(), identity.Owner{TenantID: k.TenantID, UserID: k.UserID}, inference.Responses, k.ID)
		if err != nil {
			return nil, unknownResponse(err)
		}
		*k = again
		return k.Answer, nil
	}
	return pendingResponse(k, &t), nil
}

// pendingResponse shows a response that has no answer, or got none.
func pendingResponse(k *tasks.Kept, t *tasks.Task) []byte {
	p := openai.PendingResponse{ID: openai.Name(openai.PrefixResponse, k.ID), Model: k.Model, CreatedAt: k.CreatedAt, Status: "queued"}
	if !k.PreviousID.IsZero() {
		p.Previous = openai.Name(openai.PrefixResponse, k.PreviousID)
	}
	switch t.Status {
	case tasks.Running:
		p.Status = "in_progress"
	case tasks.Canceled:
		p.Status = "cancelled"
	case tasks.Failed:
		p.Status, p.Code, p.Message = "failed", t.ErrorCode, t.ErrorMessage
	case tasks.Initial, tasks.Queued, tasks.Succeeded:
	}
	return p.JSON()
}

// deleteResponse forgets a response. One that is being made is made all the same, and charged.
func (s *surface) deleteResponse(w http.ResponseWriter, req *http.Request, who *caller) error {
	task, err := responseOf(req)
	if err != nil {
		return err
	}
	if err := s.Shelf.Delete(req.Context(), who.owner, inference.Responses, task); err != nil {
		return unknownResponse(err)
	}
	return httpx.WriteJSON(w, http.StatusOK, deleted{openai.Name(openai.PrefixResponse, task), "response", true})
}

// cancelResponse ends a response that nobody waits for, and answers with what it is then. One that has ended stays as it is.
func (s *surface) cancelResponse(w http.ResponseWriter, req *http.Request, who *caller) error {
	k, err := s.kept(req, who)
	if err != nil {
		return err
	}
	if !k.Background {
		return errNoCancel
	}
	if len(k.Answer) == 0 {
		_, err := s.Desk.Cancel(req.Context(), who.Actor(who.client), k.UserID, k.ID)
		if err != nil && !errors.Is(err, tasks.ErrEnded) {
			return unknownResponse(err)
		}
		if err := s.awaitEnd(req.Context(), k.UserID, k.ID, cancelWithin); err != nil {
			return err
		}
		if k, err = s.kept(req, who); err != nil {
			return err
		}
	}
	body, err := s.responseNow(req, &k)
	if err == nil {
		writeJSON(w, body)
	}
	return err
}

// listInputItems lists what went into a response, with the conversation before it.
func (s *surface) listInputItems(w http.ResponseWriter, req *http.Request, who *caller) error {
	task, err := responseOf(req)
	if err != nil {
		return err
	}
	p, err := readPage(req, 100)
	if err != nil {
		return err
	}
	chain, err := s.Shelf.Inputs(req.Context(), who.owner, inference.Responses, task)
	if err != nil {
		return unknownResponse(err)
	}
	past := make([]wire.Turn, len(chain))
	for i := range chain {
		past[i] = wire.Turn{Input: chain[i].Input, Answer: chain[i].Answer}
	}
	entries := []entry{}
	for _, item := range openai.InputItems(past, openai.Name(openai.PrefixResponse, task)) {
		entries = append(entries, entry{openai.ItemID(item), item})
	}
	found, more, err := p.of(entries)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, listOf(found, more))
}

// deferResponse takes up a call whose caller asks for the answer later.
func (s *surface) deferResponse(w http.ResponseWriter, req *http.Request) {
	if err := s.takeUp(w, req); err != nil {
		s.refuse(w, req, err)
	}
}

func (s *surface) takeUp(w http.ResponseWriter, req *http.Request) error {
	body, err := readAgain(req)
	if err != nil {
		return err
	}
	v, err := s.Take(w, req, responses)
	maps.Copy(w.Header(), v.Header)
	if err != nil {
		return err
	}
	if v.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	k, err := s.Shelf.Get(req.Context(), identity.Owner{TenantID: v.Task.TenantID, UserID: v.Task.UserID}, inference.Responses, v.Task.ID)
	if err != nil {
		return unknownResponse(err)
	}
	var asked struct {
		Stream bool `json:"stream"`
	}
	if json.Unmarshal(body, &asked) == nil && asked.Stream {
		return s.replayResponse(w, req, &k, -1)
	}
	writeJSON(w, pendingResponse(&k, &v.Task))
	return nil
}
