package console

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// cancelTask ends a task of the caller's, or asks the one that runs it to.
func (s *Surface) cancelTask(w http.ResponseWriter, call *httpx.Call) error {
	task, err := id.Parse(chi.URLParam(call.Request, "taskID"))
	if err != nil {
		return fault.ErrNotFound
	}
	t, err := s.Desk.Cancel(call.Context(), call.Actor(), call.Principal.UserID, task)
	if err != nil {
		return err
	}
	status := t.Status.Word()
	if t.Status == tasks.Initial {
		status = tasks.Queued.Word()
	}
	return httpx.WriteJSON(w, http.StatusOK, api.TaskCancellation{
		TaskId: t.ID.String(), Status: api.TaskCancellationStatus(status), Canceling: !t.Status.Final(),
	})
}
