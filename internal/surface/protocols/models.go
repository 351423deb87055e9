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
	p, err := s.authenticated(req)
	if err != nil {
		writeError(w, fault.From(err))
	}
	return p, err == nil
}

// authenticated is who wants to read models. Codes: those of Keys, forbidden_scope, forbidden_address.
func (s *surface) authenticated(req *http.Request) (*identity.Principal, error) {
	p, err := s.Keys.Authenticate(req.Context(), req.Header.Get("Authorization"))
	switch {
	case len(req.Header["Authorization"]) > 1:
		return nil, identity.ErrCredentials
	case err != nil:
		return nil, err
	case !p.Scope.Has(identity.ScopeModels) && !p.Scope.Has(identity.ScopeChat):
		return nil, identity.ErrScope
	case !p.AllowsAddress(s.Caller(req).Address):
		return nil, identity.ErrAddress
	}
	return p, nil
}

func modelOf(r *relay.Route) openai.Model {
	return openai.Model{ID: r.Alias, Created: r.Created.Unix(), OwnedBy: r.OwnedBy}
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
