package protocols

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// listModels answers with the models that the caller may ask for.
func (s *surface) listModels(w http.ResponseWriter, req *http.Request) {
	p, ok := s.reader(w, req)
	if !ok {
		return
	}
	items, who := []openai.Model{}, s.Relay.Asker(p, s.Caller(req).Address)
	for _, r := range s.Relay.Snapshot().Routes() {
		if who.MayAsk(r) {
			items = append(items, modelOf(r))
		}
	}
	writeJSON(w, openai.ModelList(items))
}

// getModel answers with one model. Names may hold slashes, so the rest of the path is the name.
func (s *surface) getModel(w http.ResponseWriter, req *http.Request) {
	p, ok := s.reader(w, req)
	if !ok {
		return
	}
	name := chi.URLParam(req, "*")
	r := s.Relay.Snapshot().Route(name)
	if r == nil || !s.Relay.Asker(p, s.Caller(req).Address).MayAsk(r) {
		writeError(w, fault.New(http.StatusNotFound, "model_not_found",
			"The model does not exist or you do not have access to it.").At("model"))
		return
	}
	m := modelOf(r)
	writeJSON(w, m.Append(nil))
}

// reader authenticates who wants to read models; it has answered when it returns false.
func (s *surface) reader(w http.ResponseWriter, req *http.Request) (*identity.Principal, bool) {
	p, err := s.Keys.Authenticate(req.Context(), req.Header.Get("Authorization"))
	switch {
	case err != nil:
	case !p.Scope.Has(identity.ScopeModels) && !p.Scope.Has(identity.ScopeChat):
		err = identity.ErrScope
	case !p.AllowsAddress(s.Caller(req).Address):
		err = identity.ErrAddress
	default:
		return p, true
	}
	writeError(w, fault.From(err))
	return nil, false
}

func modelOf(r *relay.Route) openai.Model {
	return openai.Model{ID: r.Alias, Created: r.Created.Unix(), OwnedBy: r.OwnedBy}
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
