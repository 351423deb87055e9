package protocols

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// listModels answers with the models that the caller may ask for, in the shape of the caller's protocol.
func (s *surface) listModels(w http.ResponseWriter, req *http.Request) {
	p, ok := s.reader(w, req)
	if !ok {
		return
	}
	var may []*relay.Route
	who := s.Relay.Asker(p, s.Caller(req).Address)
	for _, r := range s.Relay.Snapshot().Routes() {
		if who.MayAsk(r) {
			may = append(may, r)
		}
	}
	if speaksAnthropic(req) {
		listPage(w, req, may)
		return
	}
	items := make([]openai.Model, len(may))
	for i, r := range may {
		items[i] = modelOf(r)
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
	switch {
	case r == nil || !s.Relay.Asker(p, s.Caller(req).Address).MayAsk(r):
		refuse(w, req, formatOf(req), fault.New(http.StatusNotFound, "model_not_found",
			"The model does not exist or you do not have access to it.").At("model"))
	case speaksAnthropic(req):
		m := anthropicModel(r)
		nameRequest(w, req)
		writeJSON(w, m.Append(nil))
	default:
		m := modelOf(r)
		writeJSON(w, m.Append(nil))
	}
}

// reader authenticates who wants to read models; it has answered when it returns false.
func (s *surface) reader(w http.ResponseWriter, req *http.Request) (*identity.Principal, bool) {
	p, err := s.authenticate(req)
	if err != nil {
		refuse(w, req, formatOf(req), err)
		return nil, false
	}
	return p, true
}

// authenticate is authenticated, by a key that may stand where Anthropic's clients put it.
func (s *surface) authenticate(req *http.Request) (*identity.Principal, error) {
	if speaksAnthropic(req) {
		if err := takeKey(req); err != nil {
			return nil, err
		}
	}
	return s.authenticated(req)
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

func anthropicModel(r *relay.Route) anthropic.Model {
	m := anthropic.Model{ID: r.Alias, DisplayName: r.DisplayName, CreatedAt: r.Created}
	if len(r.Targets) > 0 {
		m.MaxInputTokens, m.MaxTokens = r.Targets[0].ContextWindow, r.Targets[0].MaxOutput
	}
	return m
}

// Sizes of a page. Source: the provider sheet "anthropic", section 4.
const (
	pageSize = 20
	maxPage  = 1000
)

// listPage answers with a page of models as Anthropic's clients turn pages: behind after_id, or before before_id.
func listPage(w http.ResponseWriter, req *http.Request, all []*relay.Route) {
	query, limit := req.URL.Query(), pageSize
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			refuse(w, req, anthropic.Messages, fault.ErrInvalid.Saying("Input should be from 1 to "+strconv.Itoa(maxPage)).At("limit"))
			return
		}
		limit = n
	}
	var more bool
	if before := query.Get("before_id"); before != "" {
		all = all[:max(placeOf(all, before), 0)]
		more = len(all) > limit
		all = all[max(len(all)-limit, 0):]
	} else {
		if after := query.Get("after_id"); after != "" {
			all = all[placeOf(all, after)+1:]
		}
		more = len(all) > limit
		all = all[:min(limit, len(all))]
	}
	items := make([]anthropic.Model, len(all))
	for i, r := range all {
		items[i] = anthropicModel(r)
	}
	nameRequest(w, req)
	writeJSON(w, anthropic.ModelList(items, more))
}

// placeOf is where a model stands in a list; -1 where it does not.
func placeOf(list []*relay.Route, alias string) int {
	return slices.IndexFunc(list, func(r *relay.Route) bool { return r.Alias == alias })
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
