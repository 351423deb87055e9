package protocols

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// caller is who asks for things that are kept, and so whose they are.
type caller struct {
	*identity.Principal
	owner  identity.Owner
	client identity.Client
}

// ownHandler answers a call about things of the caller's, or returns what went wrong before it has written anything.
type ownHandler func(w http.ResponseWriter, req *http.Request, who *caller) error

// owned lets callers in whose credential allows the scope.
func (s *surface) owned(scope identity.Scope, handle ownHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		who, err := s.who(req, scope)
		if err == nil {
			err = handle(w, req, who)
		}
		if err != nil {
			s.refuse(w, req, err)
		}
	}
}

// who authenticates a caller. Codes: those of keys, insufficient_scope, address_not_allowed.
func (s *surface) who(req *http.Request, scope identity.Scope) (*caller, error) {
	if len(req.Header["Authorization"]) > 1 {
		return nil, identity.ErrCredentials
	}
	p, err := s.Keys.Authenticate(req.Context(), req.Header.Get("Authorization"))
	switch {
	case err != nil:
		return nil, err
	case !p.Scope.Has(scope):
		return nil, identity.ErrScope
	case !p.AllowsAddress(s.Caller(req).Address):
		return nil, identity.ErrAddress
	}
	client := identity.Client{
		IP: httpx.Address(req).String(), UserAgent: req.UserAgent(), RequestID: httpx.RequestID(req),
	}
	return &caller{p, p.Owner(), client}, nil
}

// refuse answers with what went wrong, in the protocol's own shape, and logs what is ours.
func (s *surface) refuse(w http.ResponseWriter, req *http.Request, err error) {
	f := fault.From(err)
	if f.Status >= http.StatusInternalServerError && !errors.Is(err, req.Context().Err()) {
		s.Log.Error("call failed", "request_id", httpx.RequestID(req), "path", req.URL.Path, "error", err)
	}
	refuse(w, req, formatOf(req), f)
}

// deleted is the answer to a deletion.
type deleted struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Deleted bool   `json:"deleted"`
}

// list is a page of things, which names where the next one goes on.
type list struct {
	Object  string            `json:"object"`
	Data    []json.RawMessage `json:"data"`
	FirstID *string           `json:"first_id"`
	LastID  *string           `json:"last_id"`
	HasMore bool              `json:"has_more"`
}

// entry is one thing of a list.
type entry struct {
	id   string
	body []byte
}

func listOf(entries []entry, more bool) list {
	out := list{Object: "list", Data: []json.RawMessage{}, HasMore: more}
	for i := range entries {
		out.Data = append(out.Data, entries[i].body)
	}
	if n := len(entries); n > 0 {
		out.FirstID, out.LastID = &entries[0].id, &entries[n-1].id
	}
	return out
}

// page is what a caller wants of a list.
type page struct {
	limit int
	after string // the name of the last thing that the caller has; "": from the beginning
	asc   bool   // the oldest first
}

// readPage reads limit, after and order; most is the largest limit. Code: invalid_parameter.
func readPage(req *http.Request, most int) (page, error) {
	const usual = 20
	q := httpx.QueryOf(req)
	p := page{limit: q.Int(min(usual, most), 1, most, "limit"), after: q.Text("after")}
	p.asc = q.OneOf([]string{"asc", "desc"}, "order") == "asc"
	return p, q.Err()
}

// of is the page of a whole list that comes with the oldest first. Code: invalid_parameter.
func (p page) of(all []entry) (found []entry, more bool, err error) {
	if !p.asc {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	if p.after != "" {
		at := slices.IndexFunc(all, func(e entry) bool { return e.id == p.after })
		if at < 0 {
			return nil, false, errAfter
		}
		all = all[at+1:]
	}
	n := min(p.limit, len(all))
	return all[:n], n < len(all), nil
}
