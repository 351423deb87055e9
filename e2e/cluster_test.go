package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

func randomKey() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// TestThreeNodesShareAWallet runs three programs on one PostgreSQL: a wallet that affords k calls pays for exactly k of
// 500 that come to all of them at once, a node that is killed does not keep its money, and a disabled key stops everywhere.
func TestThreeNodesShareAWallet(t *testing.T) {
	t.Parallel()
	const rounds, callers = 8, 500
	env := []string{
		"GANTRY_DATABASE_URL=" + pgtest.New(t), "GANTRY_CLUSTER_ENABLED=true", "GANTRY_LOG_LEVEL=error",
		"GANTRY_MASTER_KEY=" + randomKey(), "GANTRY_AUTH_JWT_SECRET=" + randomKey(),
	}
	nodes := make([]*installation, 3)
	for i := range nodes {
		own := append([]string{fmt.Sprintf("GANTRY_CLUSTER_NODE=node-%d", i)}, env...)
		if i == 0 {
			nodes[i] = start(t, t.TempDir(), own...)
		} else {
			nodes[i] = launch(t, t.TempDir(), own...)
		}
	}
	first := nodes[0]
	first.perCallModel(fakeUpstream(t))
	u := first.newUser("cluster", "0")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	defer client.CloseIdleConnections()
	<-time.After(2500 * time.Millisecond) // the other nodes hear of the model within two seconds
	round := func(name string, nodes []*installation, k int) {
		t.Helper()
		first.call(http.MethodPatch, "/api/admin/users/"+u.id+"/wallet", first.admin,
			map[string]any{"balance": k, "currency": "USD", "reason": name}, nil, 200)
		var served, refused atomic.Int64
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				switch status, code := nodes[i%len(nodes)].once(client, u.key, "per-call", fmt.Sprintf("%s-%d", name, i)); {
				case status == http.StatusOK:
					served.Add(1)
				case status == http.StatusPaymentRequired && code == "insufficient_balance":
					refused.Add(1)
				default:
					t.Errorf("%s: %d %s", name, status, code)
				}
			})
		}
		all.Wait()
		if served.Load() != int64(k) || refused.Load() != int64(callers-k) {
			t.Fatalf("%s: %d served and %d refused, want %d and %d", name, served.Load(), refused.Load(), k, callers-k)
		}
	}
	for n := range rounds {
		round(fmt.Sprintf("round-%d", n), nodes, 7*n)
	}
	nodes[2].stop(syscall.SIGKILL)
	<-time.After(16 * time.Second) // what a dead node had borrowed is back after lease and grace
	round("after a death", nodes[:2], 11)

	var keys struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	first.call(http.MethodGet, "/api/v1/api-keys", u.token, nil, &keys, 200)
	first.call(http.MethodPatch, "/api/v1/api-keys/"+keys.Items[0].ID+"/disable", u.token, nil, nil, 200)
	<-time.After(2 * time.Second)
	for i, node := range nodes[:2] {
		if status, code := node.once(client, u.key, "per-call", "disabled"); status != http.StatusUnauthorized {
			t.Errorf("node %d still serves a disabled key: %d %s", i, status, code)
		}
	}
	text, err := exec.Command("env", append(env, "GANTRY_CLUSTER_ENABLED=false", "GANTRY_ADMIN_ADDR=", binary(t, "gantry"),
		"serve", "--data", t.TempDir(), "--addr", freeAddr(t))...).CombinedOutput()
	if err == nil || !strings.Contains(string(text), "served by the nodes node-0, node-1") {
		t.Errorf("a node that believes to be alone: %v\n%s", err, text)
	}
	for _, node := range nodes[:2] {
		if code := node.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("a node ended with code %d", code)
		}
	}
	alone := launch(t, t.TempDir(), append(env, "GANTRY_CLUSTER_ENABLED=false")...)
	if code := alone.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("alone after the others, gantry ended with code %d", code)
	}
}
