package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostileDriven are the kinds of cases that this runner knows how to play.
var hostileDriven = []string{"request", "raw", "load", "sequence", "startup"}

// TestHostileInputs plays the cases of e2e/hostile/cases.yaml against a Gantry of its own. What it cannot play is neither
// passed nor failed: the report, which is written to the file that HOSTILE_REPORT names, counts it apart with the reason.
//
//nolint:tparallel // cases compare the wallet before and after: one at a time
func TestHostileInputs(t *testing.T) {
	t.Parallel()
	file := readHostile(t)
	w := newHostileWorld(t, file)
	report := hostileReport{absent: map[string][]string{}, unchecked: hostileUnchecked{}}
	for _, c := range file.Cases {
		if why := w.absent(c); why != "" {
			report.absent[why] = append(report.absent[why], c.ID)
			continue
		}
		report.unchecked.add(c)
		if t.Run(c.ID, func(t *testing.T) { w.play(t, c) }) {
			report.passed = append(report.passed, c.ID)
		} else {
			report.failed = append(report.failed, c.ID)
		}
	}
	w.verifyLedger(t)
	report.write(t)
	if len(report.passed) < 40 {
		t.Errorf("only %d cases were played", len(report.passed))
	}
}

// absent says why a case cannot be played here, "" when it can.
func (w *hostileWorld) absent(c *hostileCase) string {
	switch {
	case !slices.Contains(hostileDriven, c.Kind):
		return "kind not played: " + c.Kind
	case c.Kind == "sequence" && !c.structured():
		return "kind not played: steps in words"
	case c.Kind == "load" && c.Path == "":
		return "kind not played: load by connections"
	case hostileUnready[c.ID] != "":
		return "not set up: " + hostileUnready[c.ID]
	case hostileAbsent[c.As] != "":
		return "absent: " + hostileAbsent[c.As]
	case c.Surface == "ssrf" && c.Path == "/v1/chat/completions":
		return "surface absent: nothing here fetches a caller's URL"
	case c.Kind == "request" && !w.known(c):
		return "surface absent: " + c.Surface
	}
	if _, err := w.fill(c.Raw); err != nil {
		return "surface absent: " + err.Error()
	}
	return ""
}

// known reports whether what a case asks for is served. Of HTTP's own cases some ask for what is not there.
func (w *hostileWorld) known(c *hostileCase) bool {
	path, err := w.fill(c.Path)
	if err != nil {
		return false
	}
	refuses := !slices.ContainsFunc(c.Expect.Status, func(s int) bool { return s < 300 })
	return w.serves(path) || c.Surface == "http" && refuses
}

func (w *hostileWorld) play(t *testing.T, c *hostileCase) {
	t.Helper()
	if c.Kind == "startup" {
		refusesToStart(t, c)
		return
	}
	before, err := w.before()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a, err := w.sendCase(c)
	if err != nil {
		t.Fatalf("%s: %v", c.Title, err)
	}
	took := a.took // without what it took to make the request
	if took == 0 {
		took = time.Since(began)
	}
	for _, wrong := range w.check(c, a, before) {
		t.Errorf("%s: %s\n%d %.300s", c.Title, wrong, a.status, a.body)
	}
	if took > hostileDeadline && c.Kind != "load" {
		t.Errorf("%s: took %v", c.Title, took)
	}
	select {
	case <-w.ended:
		t.Fatalf("%s: the process ended", c.Title)
	default:
	}
}

// refusesToStart starts Gantry with the settings of a case: it must end and name the setting.
func refusesToStart(t *testing.T, c *hostileCase) {
	t.Helper()
	for name, value := range c.Fixture.Env {
		setting := map[string]string{"GANTRY_SECRET": "GANTRY_AUTH_JWT_SECRET"}[name]
		cmd := exec.Command(binary(t, "gantry"), "serve", "--data", t.TempDir(), "--addr", freeAddr(t))
		cmd.Env = append(os.Environ(), setting+"="+value, "GANTRY_ADMIN_ADDR="+freeAddr(t))
		text, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(text), "auth.jwtSecret") && !strings.Contains(string(text), setting) {
			t.Errorf("%s: %v: %s", c.Title, err, text)
		}
	}
}

// verifyLedger proves the books after everything that was tried.
func (w *hostileWorld) verifyLedger(t *testing.T) {
	t.Helper()
	if text, err := exec.Command(binary(t, "gantry"), "ledger", "verify", "--data", w.data).CombinedOutput(); err != nil {
		t.Errorf("ledger verify: %v\n%s", err, text)
	}
}

// hostileReport is what became of the cases.
type hostileReport struct {
	passed, failed []string
	absent         map[string][]string // by reason
	unchecked      hostileUnchecked
}

// hostileUnchecked counts invariants that this runner does not know how to check.
type hostileUnchecked map[string]int

func (u hostileUnchecked) add(c *hostileCase) {
	for _, name := range c.Expect.Invariants {
		if hostileInvariants[name] == nil {
			u[name]++
		}
	}
}

func (r *hostileReport) write(t *testing.T) {
	t.Helper()
	var out bytes.Buffer
	total := 0
	for _, reason := range slices.Sorted(maps.Keys(r.absent)) {
		total += len(r.absent[reason])
		fmt.Fprintf(&out, "not applicable: %s: %d (%s)\n", reason, len(r.absent[reason]), strings.Join(r.absent[reason], " "))
	}
	for _, id := range slices.Sorted(maps.Keys(hostileDifferences)) {
		fmt.Fprintf(&out, "ours: %s: %s\n", id, hostileDifferences[id].why)
	}
	fmt.Fprintf(&out, "invariants not checked: %v\n", slices.Sorted(maps.Keys(r.unchecked)))
	fmt.Fprintf(&out, "hostile inputs: %d passed, %d failed %v, %d not applicable\n", len(r.passed), len(r.failed), r.failed, total)
	t.Logf("\n%s", out.String())
	if name := os.Getenv("HOSTILE_REPORT"); name != "" {
		if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
