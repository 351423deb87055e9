// Package storetest is the suite that every database behind package store must pass.
package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/store"
)

// Run runs the suite. open returns an open store over a fresh, empty database and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *world){
		"Migrate":             testMigrate,
		"Transactions":        testTransactions,
		"Tenants":             testTenants,
		"Groups":              testGroups,
		"TenantChanges":       testTenantChanges,
		"GroupChanges":        testGroupChanges,
		"Realms":              testRealms,
		"UserLinks":           testUserLinks,
		"Users":               testUsers,
		"UserList":            testUserList,
		"Apps":                testApps,
		"APIKeys":             testAPIKeys,
		"Sessions":            testSessions,
		"SessionsForgotten":   testSessionsForgotten,
		"Catalog":             testCatalog,
		"Platforms":           testPlatforms,
		"PlatformModels":      testPlatformModels,
		"Policies":            testPolicies,
		"ModelRoutes":         testModelRoutes,
		"AccessRules":         testAccessRules,
		"AccessSubjects":      testAccessSubjects,
		"ConfigVersion":       testConfigVersion,
		"PolicyEvents":        testPolicyEvents,
		"Sick":                testSick,
		"HealthOverRestart":   testHealthOverRestart,
		"Pricing":             testPricing,
		"RuleSetChanges":      testRuleSetChanges,
		"RuleSetsSince":       testRuleSetsSince,
		"PolicySetChanges":    testPolicySetChanges,
		"CredentialEnable":    testCredentialEnable,
		"Accounts":            testAccounts,
		"Transfers":           testTransfers,
		"TransferRefusals":    testTransferRefusals,
		"WalletEntries":       testWalletEntries,
		"LedgerProperties":    testLedgerProperties,
		"ConcurrentPosts":     testConcurrentPosts,
		"Journal":             testJournal,
		"JournalAgain":        testJournalAgain,
		"JournalRefusal":      testJournalRefusal,
		"JournalHostileTexts": testJournalHostileTexts,
		"TaskList":            testTaskList,
		"TaskEvents":          testTaskEvents,
		"TaskWork":            testTaskWork,
		"TaskLeases":          testTaskLeases,
		"TaskWaiting":         testTaskWaiting,
		"Replays":             testReplays,
		"ReplaysWithACharge":  testReplaysWithTheCharge,
		"ReplaysForgotten":    testReplaysForgotten,
		"Audit":               testAudit,
		"Blobs":               testBlobs,
		"Kept":                testKept,
		"Files":               testFiles,
		"CallBatches":         testBatches,
		"SimulationJobs":      testSimulationJobs,
		"Settings":            testSettings,
		"QuotaUsage":          testQuotaUsage,
		"QuotaUsageAgain":     testQuotaUsageAgain,
		"QuotaFold":           testQuotaFold,
		"LimitPolicies":       testLimitPolicies,
		"LimitWindows":        testLimitWindows,
		"HostileLookups":      testHostileLookups,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatalf("Migrate: %v", err)
			}
			test(t, newWorld(t, s))
		})
	}
}

// epoch is when the suite's rows were made.
var epoch = time.Date(2026, 3, 14, 15, 9, 26, 535_897_000, time.UTC)

// world is a store with a tenant and a user.
type world struct {
	*store.Store

	t      *testing.T
	ctx    context.Context //nolint:containedctx // one test's
	tenant identity.Tenant
	user   identity.User
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	w := &world{Store: s, t: t, ctx: t.Context()}
	fill(&w.tenant)
	w.tenant.Status = identity.Active
	w.must(func(t tx.Tx) error { return s.Identity().TenantInsert(w.ctx, t, &w.tenant) })
	w.user = w.newUser("ada")
	return w
}

func (w *world) newUser(name string) identity.User {
	w.t.Helper()
	u := identity.User{
		ID: id.New(), TenantID: w.tenant.ID, Username: name, Email: name + "@example.com", DisplayName: "Dr " + name,
		Status: identity.Active, Roles: []identity.Role{identity.RoleUser}, CreatedAt: epoch, UpdatedAt: epoch,
	}
	w.must(func(t tx.Tx) error { return w.Identity().UserInsert(w.ctx, t, &u) })
	return u
}

// in runs f in a transaction.
func (w *world) in(f func(tx.Tx) error) error { return w.Identity().InTx(w.ctx, f) }

// must runs f in a transaction that has to succeed.
func (w *world) must(f func(tx.Tx) error) {
	w.t.Helper()
	w.ok(w.in(f))
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused expects the fault at the path.
func (w *world) refused(err error, want *fault.Error, path string) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Fatalf("error = %v, want %s", err, want.Code)
	}
	if got := fault.From(err).Path; got != path {
		w.t.Errorf("path of %v = %q, want %q", err, got, path)
	}
}

// same compares what a method returned with what is expected.
func same[T any](w *world, what string, got, want T) {
	w.t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(secret.String{})); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// found is same for a method that may fail.
func found[T any](w *world, what string, want T) func(T, error) {
	w.t.Helper()
	return func(got T, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
		same(w, what, got, want)
	}
}

// missing expects fault.ErrNotFound.
func missing[T any](w *world, what string) func(T, error) {
	w.t.Helper()
	return func(_ T, err error) {
		w.t.Helper()
		if !errors.Is(err, fault.ErrNotFound) {
			w.t.Errorf("%s: error = %v, want not_found", what, err)
		}
	}
}
