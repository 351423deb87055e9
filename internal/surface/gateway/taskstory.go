package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// taskOf returns the caller's task that the path names.
func (s *Surface) taskOf(call *httpx.Call) (tasks.Task, error) {
	task, err := pathID(call, "taskID")
	if err != nil {
		return tasks.Task{}, err
	}
	return s.Tasks.TaskByID(call.Context(), call.Principal.UserID, task)
}

// listParamPreprocessing shows what was changed of the request's parameters, attempt by attempt.
func (s *Surface) listParamPreprocessing(w http.ResponseWriter, call *httpx.Call) error {
	t, err := s.taskOf(call)
	if err != nil {
		return err
	}
	out := api.HttpapiTaskParamPreprocessingLogListResponse{Items: []api.StoreTaskParamPreprocessingLog{}}
	if len(t.Preprocessing) > 0 {
		if err := json.Unmarshal(t.Preprocessing, &out.Items); err != nil {
			return fault.ErrInternal.Because(err)
		}
	}
	for i := range out.Items {
		out.Items[i].TaskId = t.ID.String()
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}
