package vertex

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
)

const (
	// early is how long before its end a token is replaced, so that no call is made with one that ends on its way.
	early = 5 * time.Minute
	// patience is how long the token endpoint may take.
	patience = 20 * time.Second
	// maxSources bounds what is remembered of accounts that are not used any more.
	maxSources = 4096
	maxToken   = 64 << 10
)

// tokenBook keeps the tokens of all accounts: accounts are opened anew whenever the configuration changes.
type tokenBook struct {
	now clock.Clock

	mu      sync.Mutex
	sources map[[32]byte]*tokenSource
}

func (b *tokenBook) source(s *serviceAccount) *tokenSource {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sources == nil || len(b.sources) >= maxSources {
		b.sources = map[[32]byte]*tokenSource{}
	}
	id := s.id()
	if b.sources[id] == nil {
		b.sources[id] = &tokenSource{account: s, now: b.now}
	}
	return b.sources[id]
}

// tokenSource is one account's token. It is safe for concurrent use.
type tokenSource struct {
	account *serviceAccount
	now     clock.Clock

	mu      sync.Mutex
	token   string
	expires time.Time
	asking  *asking // nil: nobody asks for one
}

// asking is one question to the token endpoint, that any number of calls wait for.
type asking struct {
	done  chan struct{}
	token string
	err   error
}

// get returns a token. One that is about to end is replaced by whoever comes first, while others still use it.
// Errors: *refusal, those of provider.SendError.
func (s *tokenSource) get(ctx context.Context, t http.RoundTripper) (string, error) {
	s.mu.Lock()
	left := s.expires.Sub(s.now())
	if s.token != "" && (left > early || left > 0 && s.asking != nil) {
		defer s.mu.Unlock()
		return s.token, nil
	}
	a := s.asking
	if a == nil {
		a = &asking{done: make(chan struct{})}
		s.asking = a
		go s.ask(context.WithoutCancel(ctx), t, a) // the answer is for all, whoever leaves
	}
	s.mu.Unlock()
	select {
	case <-a.done:
		return a.token, a.err
	case <-ctx.Done():
		return "", provider.SendError(ctx, ctx.Err())
	}
}

// drop forgets a token that was not accepted.
func (s *tokenSource) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}

func (s *tokenSource) ask(ctx context.Context, t http.RoundTripper, a *asking) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := s.now()
	token, life, err := s.account.exchange(ctx, t, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.token, a.err, s.asking = token, err, nil
	if err == nil {
		s.token, s.expires = token, now.Add(life)
	} else if s.expires.After(now) && s.token != "" {
		a.token, a.err = s.token, nil // the one that there is lasts a little longer
	}
	close(a.done)
}

// refusal says that the token endpoint answered and gave no token.
type refusal struct {
	status int
	code   string // OAuth's
}

// Error names the status and OAuth's code.
func (r *refusal) Error() string {
	return fmt.Sprintf("vertex: no token: status %d, %s", r.status, r.code)
}

// exchange asks for a token.
func (s *serviceAccount) exchange(ctx context.Context, t http.RoundTripper, now time.Time) (string, time.Duration, error) {
	assertion, err := s.assertion(now)
	if err != nil {
		return "", 0, err
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.tokenURL.String(), strings.NewReader(form))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gantry")
	resp, err := t.RoundTrip(req)
	if err != nil {
		return "", 0, provider.SendError(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	if err != nil {
		return "", 0, provider.SendError(ctx, err)
	}
	return readToken(resp.StatusCode, body)
}

func readToken(status int, body []byte) (string, time.Duration, error) {
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
		Error       string `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // what cannot be read has no token
	valid := answer.AccessToken != "" && !strings.ContainsAny(answer.AccessToken, " \t") && provider.ValidHeader("Authorization", answer.AccessToken)
	if status != http.StatusOK || !valid || answer.ExpiresIn <= 0 {
		return "", 0, &refusal{status, provider.CleanCode(answer.Error)}
	}
	return answer.AccessToken, lifeOf(answer.ExpiresIn), nil
}

// longest is the most that a token is believed to last.
const longest = 24 * time.Hour

func lifeOf(seconds int64) time.Duration {
	if seconds >= int64(longest/time.Second) {
		return longest
	}
	return time.Duration(seconds) * time.Second
}
