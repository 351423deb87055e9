package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/provider/oauth"
)

// upstream answers at the token endpoint with what it was given, and elsewhere by token.
type upstream struct {
	status int
	tokens []string // one for each question; the last one stays
	good   string
	bodies []string
}

// RoundTrip implements http.RoundTripper.
func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
	body := ""
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(text)
	}
	if r.URL.Host == "token.example" {
		token := u.tokens[0]
		u.tokens = u.tokens[min(1, len(u.tokens)-1):]
		return answer(u.status, `{"access_token":"`+token+`","expires_in":3600,"error":"slow_down"}`)
	}
	u.bodies = append(u.bodies, body)
	if r.Header.Get("Authorization") != "Bearer "+u.good {
		return answer(http.StatusUnauthorized, "no")
	}
	return answer(http.StatusOK, "yes")
}

func transport(u *upstream) *oauth.Transport {
	book := &oauth.Book{}
	return &oauth.Transport{Next: u, ErrorBody: func(_ int, message string) []byte { return []byte(message) }, Source: book.Source(&oauth.Account{
		Endpoint: &url.URL{Scheme: "https", Host: "token.example"},
		Form:     func(time.Time) (url.Values, error) { return url.Values{"grant_type": {"x"}}, nil },
	})}
}

func send(t *testing.T, rt http.RoundTripper, body io.Reader) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://upstream.example/", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil || r.Header.Get("Authorization") != "" {
		t.Errorf("%v, the request has %v", err, r.Header)
	}
	return resp.StatusCode, string(all)
}

func TestATokenThatIsNotAcceptedIsReplacedOnce(t *testing.T) {
	t.Parallel()
	u := &upstream{status: http.StatusOK, tokens: []string{"old", "new"}, good: "new"}
	if status, _ := send(t, transport(u), strings.NewReader("question")); status != http.StatusOK || strings.Join(u.bodies, "|") != "question|question" {
		t.Errorf("%d after %q", status, u.bodies)
	}
	u = &upstream{status: http.StatusOK, tokens: []string{"old"}, good: "other"}
	if status, _ := send(t, transport(u), nil); status != http.StatusUnauthorized || len(u.bodies) != 2 {
		t.Errorf("%d after %d questions", status, len(u.bodies))
	}
	u = &upstream{status: http.StatusOK, tokens: []string{"old", "new"}, good: "new"}
	if status, _ := send(t, transport(u), io.MultiReader(strings.NewReader("said once"))); status != http.StatusUnauthorized || len(u.bodies) != 1 {
		t.Errorf("%d after %q, which cannot be said again", status, u.bodies)
	}
}

func TestRefusalsAreAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{400: 401, 401: 401, 429: 503, 500: 503} {
		u := &upstream{status: status, tokens: []string{""}}
		got, text := send(t, transport(u), strings.NewReader("question"))
		if got != want || !strings.HasSuffix(text, ": slow_down.") || len(u.bodies) != 0 {
			t.Errorf("%d became %d, %s", status, got, text)
		}
	}
}

func TestAnAccountThatCannotProveItself(t *testing.T) {
	t.Parallel()
	broken := errors.New("no key")
	source := (&oauth.Book{}).Source(&oauth.Account{Form: func(time.Time) (url.Values, error) { return nil, broken }})
	if _, err := source.Get(t.Context(), &upstream{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
