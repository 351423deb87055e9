package app

import (
	"flag"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// excused are answers that the gateway's contract documents and that there cannot be. What is answered instead is shown:
// by excuses, by keys, and by away of what is made from memory.
var excused = map[surfacetest.Promise]string{
	{Operation: "createVideoGenerationTask", Status: 200}: waits,
	{Operation: "createVideoGenerationTask", Status: 502}: waits,
	{Operation: "estimatePricing", Status: 429}:           "an estimate takes no place in any window: it tells the price of a call that would have to wait, too",
	{Operation: "estimatePricing", Status: 500}:           fromMemory,
	{Operation: "listAvailablePlatforms", Status: 500}:    fromMemory,
	{Operation: "listAdminRateLimitWindows", Status: 500}: fromMemory,
	{Operation: "listApiKeyAccessRules", Status: 400}:     "it takes no input that could be wrong",
	{Operation: "listPlaygroundApiKeys", Status: 400}:     "it takes no input that could be wrong",
}

const (
	waits      = "nobody can wait for a video: it is always made by a task, and X-Async: false is refused with 400"
	fromMemory = "it is made from what is in memory: nothing of it can fail"
)

// TestContractPromises asks for every answer that the gateway's contract documents, on both databases. What is answered is in
// testdata/promises, one file for each operation.
//
//nolint:tparallel // the outer subtest is there to end when both databases' tests have
func TestContractPromises(t *testing.T) {
	t.Parallel()
	var kept surfacetest.Kept
	databases := map[string]func(*testing.T) string{
		"sqlite": func(*testing.T) string { return "" }, "postgres": func(t *testing.T) string { t.Helper(); return pgtest.New(t) },
	}
	t.Run("on", func(t *testing.T) { // ends when both have ended
		for name, url := range databases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				testPromises(newWitness(t, name, url(t), &kept))
			})
		}
	})
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // one database was asked for: what the other one answers is not known
	}
	contract := surfacetest.LoadContract(t, "easyai-gateway", "httpapi.ErrorEnvelope")
	promises := contract.Promises()
	for _, line := range kept.Gaps(promises, excused, "sqlite", "postgres") {
		t.Error(line)
	}
	noStrangers(t, contract)
	t.Logf("%d answers are documented, %d shown on both databases, %d excused", len(promises), shown(&kept, promises), len(excused))
}

// noStrangers finds files of operations that the contract does not have any more.
func noStrangers(t *testing.T, contract *surfacetest.Contract) {
	t.Helper()
	files, err := filepath.Glob("testdata/promises/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if method, _ := contract.Place(strings.TrimSuffix(filepath.Base(file), ".txt")); method == "" {
			t.Errorf("%s is of no operation", file)
		}
	}
}

// shown counts the promises that were kept on both databases.
func shown(kept *surfacetest.Kept, promises []surfacetest.Promise) (n int) {
	for _, p := range promises {
		if kept.Has(p, "sqlite") && kept.Has(p, "postgres") {
			n++
		}
	}
	return n
}

func newWitness(t *testing.T, database, url string, kept *surfacetest.Kept) *witness {
	t.Helper()
	return &witness{
		desk: newDesk(t, url), database: database, kept: kept, protocols: surfacetest.LoadContract(t, "protocols", "Error"),
		scripts: map[string]*surfacetest.Transcript{}, good: map[string]question{},
	}
}

func testPromises(w *witness) {
	for _, part := range []func(){
		w.system, w.accounts, w.keys, w.administrators, w.catalogues, w.platforms, w.prices, w.policies, w.rules, w.history, w.relayed,
		w.excuses, w.strangers, w.unknown, w.away,
	} {
		part()
	}
	for operation, script := range w.scripts {
		script.Golden(w.t, "promises/"+operation)
	}
}

// owed are the documented answers of a status that were not shown yet.
func (w *witness) owed(status int) (operations []string) {
	for _, p := range w.gateway.Promises() {
		if p.Status == status && excused[p] == "" && !w.kept.Has(p, w.database) {
			operations = append(operations, p.Operation)
		}
	}
	return operations
}

// excuses shows what is answered instead of what is excused.
func (w *witness) excuses() {
	video := w.good["createVideoGenerationTask"]
	video.name, video.header = "nobody can wait for it", map[string]string{"X-Async": "false"}
	w.refused("createVideoGenerationTask", http.StatusBadRequest, "invalid_parameter", "X-Async", video)
	limited := w.good["estimatePricing"]
	limited.name, limited.as = "by one who is at a limit", "slow"
	w.ask("estimatePricing", http.StatusOK, limited)
}

// strangers asks as nobody, and for what is not a user's as a user.
func (w *witness) strangers() {
	stranger := func(status int, q question) {
		for _, operation := range w.owed(status) {
			q.body = w.good[operation].body
			w.ask(operation, status, q)
		}
	}
	stranger(http.StatusUnauthorized, question{name: "nobody", of: nobody, code: "unauthorized"})
	stranger(http.StatusForbidden, question{name: "a user", as: "user", of: nobody, code: "forbidden"})
}

// unknown asks for objects that there are not.
func (w *witness) unknown() {
	for _, operation := range w.owed(http.StatusNotFound) {
		q := w.good[operation]
		q.name, q.of, q.code = "unknown", nobody, "not_found"
		w.ask(operation, http.StatusNotFound, q)
	}
}

// away asks again for what was answered before, when the database is gone.
func (w *witness) away() {
	if err := w.store.Close(); err != nil {
		w.t.Fatal(err)
	}
	for _, operation := range w.owed(http.StatusInternalServerError) {
		q := w.good[operation]
		q.name, q.code = "the database is away", "internal"
		w.ask(operation, http.StatusInternalServerError, q)
	}
	for p, why := range excused {
		if why == fromMemory {
			w.ask(p.Operation, http.StatusOK, again("the database is away", w.good[p.Operation]))
		}
	}
	w.refused("getReadyz", http.StatusServiceUnavailable, "unavailable", "", question{name: "the database is away"})
}
