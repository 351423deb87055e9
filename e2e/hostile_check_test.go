package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// before is what a case may not change.
type hostileBefore struct {
	balances string
	calls    int // that reached an upstream
}

func (w *hostileWorld) before() (hostileBefore, error) {
	balances, err := w.balances()
	return hostileBefore{balances, w.attempts()}, err
}

// attempts counts the log's lines of calls that an upstream was asked for.
func (w *hostileWorld) attempts() int { return strings.Count(w.log.String(), `"attempts":`) }

// check says what is wrong with the answer of a case.
func (w *hostileWorld) check(c *hostileCase, a *hostileAnswer, before hostileBefore) (wrong []string) {
	status, codes := c.expected()
	if len(status) > 0 && !slices.Contains(status, a.status) {
		wrong = append(wrong, fmt.Sprintf("status %d, want %v", a.status, status))
	}
	if a.status >= 500 && !slices.Contains(status, a.status) {
		wrong = append(wrong, "a failure of ours")
	}
	code, problem := c.codeOf(a)
	if problem != "" {
		wrong = append(wrong, problem)
	}
	if a.status >= 400 && len(codes) > 0 && !slices.Contains(codes, code) {
		wrong = append(wrong, fmt.Sprintf("code %q, want %q", code, codes))
	}
	wrong = append(wrong, w.checkAlways(c, a, before)...)
	for _, name := range c.Expect.Invariants {
		if holds := hostileInvariants[name]; holds != nil && !holds(w, a, before) {
			wrong = append(wrong, name)
		}
	}
	return wrong
}

// codeOf reads the code of an error, whose shape depends on where it comes from. Answers of the HTTP server itself, to
// what it could not read as a request, have none.
func (c *hostileCase) codeOf(a *hostileAnswer) (code, problem string) {
	if a.status < 400 || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		if a.status >= 400 && a.header.Get("X-Request-Id") != "" && len(a.body) > 0 {
			return "", "an error that is not JSON"
		}
		return "", ""
	}
	var body struct {
		Error struct {
			Code      string  `json:"code"`
			Message   string  `json:"message"`
			Type      *string `json:"type"`
			Status    int     `json:"status"`
			RequestID string  `json:"requestId"`
		} `json:"error"`
	}
	e := &body.Error
	err := json.Unmarshal(a.body, &body)
	switch {
	case err != nil || e.Code == "" || e.Message == "":
		return "", fmt.Sprintf("an error without code and message: %.200s", a.body)
	case a.header.Get("X-Request-Id") == "":
		return e.Code, "no request id"
	case c.openai() && e.Type == nil:
		return e.Code, "not the shape of OpenAI"
	case !c.openai() && c.Kind != "raw" && (e.Status != a.status || e.RequestID != a.header.Get("X-Request-Id")):
		return e.Code, "not our shape"
	}
	return e.Code, ""
}

// checkAlways checks what must hold in every case.
func (w *hostileWorld) checkAlways(c *hostileCase, a *hostileAnswer, before hostileBefore) (wrong []string) {
	log := w.log.String()
	if strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
		wrong = append(wrong, "a panic in the log")
	}
	answer := string(a.body)
	for name, secret := range w.credentials {
		if len(secret) < 20 {
			continue
		}
		if strings.Contains(log, secret) {
			wrong = append(wrong, "the secret of "+name+" in the log")
		}
		if strings.Contains(answer, secret) && c.Path != "/api/playground/api-keys" {
			wrong = append(wrong, "the secret of "+name+" in the answer")
		}
	}
	for _, trace := range []string{"goroutine ", ".go:", "SELECT ", "INSERT ", "SQLITE", "pgx"} {
		if a.status >= 400 && strings.Contains(answer, trace) {
			wrong = append(wrong, "the answer shows "+trace)
		}
	}
	if a.status >= 400 && c.Kind != "sequence" { // whose earlier steps may have moved money
		if now, err := w.balances(); err != nil || now != before.balances {
			wrong = append(wrong, fmt.Sprintf("the wallet was %s, is %s %v", before.balances, now, err))
		}
	}
	return wrong
}

// hostileInvariants are what cases add to that. Those that are not here are counted as unchecked in the report.
var hostileInvariants = map[string]func(w *hostileWorld, a *hostileAnswer, before hostileBefore) bool{
	"conn_closed":                  func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool { return a.closed },
	"second_request_not_processed": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool { return len(a.rest) == 0 },
	"second_request_unauthenticated_401": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return len(a.rest) == 0 || strings.HasPrefix(string(a.rest), "HTTP/1.1 401")
	},
	"no_upstream_call": func(w *hostileWorld, _ *hostileAnswer, b hostileBefore) bool { return w.attempts() == b.calls },
	"never_200":        func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool { return a.status != http.StatusOK },
	"allow_header_present": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return a.header.Get("Allow") != ""
	},
	"content_type_json": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return strings.HasPrefix(a.header.Get("Content-Type"), "application/json")
	},
	"no_injected_response_header": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return a.header.Get("Set-Cookie") == "" && a.header.Get("X") == ""
	},
	"server_generated_request_id": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return len(a.header.Get("X-Request-Id")) == 36
	},
	"no_link_built_from_host": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return !strings.Contains(string(a.body), "evil.example") && a.header.Get("Location") == ""
	},
	"no_acao_reflection_with_credentials": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return a.header.Get("Access-Control-Allow-Credentials") == "" && a.header.Get("Access-Control-Allow-Origin") == ""
	},
	"wallet_unchanged":          unchanged,
	"wallet_of_neither_charged": unchanged,
	"no_credit_posted":          unchanged,
	"hold_never_negative":       unchanged,
	"429_after_at_most_10": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		first := slices.Index(a.all, http.StatusTooManyRequests)
		return first >= 0 && first <= 10
	},
	"cache_control_no_store": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return a.header.Get("Cache-Control") == "no-store"
	},
	"only_own_keys": func(w *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return !strings.Contains(string(a.body), w.users["user2"].key)
	},
	"no_field_named_password_hash_token_secret": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return !strings.Contains(string(a.body), `"password`) && !strings.Contains(string(a.body), `"secret"`)
	},
	"created_under_path_platform": func(w *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return strings.Contains(string(a.body), `"platformId":"`+w.vars["platform_id"]+`"`)
	},
	"body_equals_unknown_id_body": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return strings.Contains(string(a.body), `"code":"not_found"`)
	},
	"no_user_created": func(w *hostileWorld, _ *hostileAnswer, _ hostileBefore) bool {
		_, users := w.send(http.MethodGet, "/api/admin/users", w.admin, nil)
		return !strings.Contains(string(users), `"username":"root"`)
	},
	"balance_is_100": func(w *hostileWorld, _ *hostileAnswer, _ hostileBefore) bool {
		now, err := w.balances()
		return err == nil && strings.Contains(now, "USD 100 ")
	},
	"balance_text_exact": func(_ *hostileWorld, a *hostileAnswer, _ hostileBefore) bool {
		return strings.Contains(string(a.body), `"balanceText":"100"`) || strings.Contains(string(a.body), `"balanceText":"0.1"`)
	},
	"key_not_in_access_log": func(w *hostileWorld, _ *hostileAnswer, _ hostileBefore) bool {
		return !strings.Contains(w.log.String(), w.vars["api_key"])
	},
}

func unchanged(w *hostileWorld, _ *hostileAnswer, before hostileBefore) bool {
	now, err := w.balances()
	return err == nil && now == before.balances
}
