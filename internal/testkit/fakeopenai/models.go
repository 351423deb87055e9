package fakeopenai

import (
	"fmt"
	"net/http"
	"slices"
)

// created is when all models were made.
const created = 1_715_367_049

func entry(id string) map[string]any {
	return map[string]any{"id": id, "object": "model", "created": created, "owned_by": "system"}
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	data := make([]any, len(s.options.Models))
	for i, id := range s.options.Models {
		data[i] = entry(id)
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": data})
}

func (s *Server) model(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("model")
	if !slices.Contains(s.options.Models, id) {
		(&apiError{Status: 404, Code: "model_not_found", Param: "model", Message: fmt.Sprintf("The model '%s' does not exist", id)}).write(w)
		return
	}
	writeJSON(w, http.StatusOK, entry(id))
}
