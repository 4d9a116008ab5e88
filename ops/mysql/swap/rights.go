package swap

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// surveyRights reads the user's own grants, including those of roles if the server has
// them. If the server shows none, nothing is reported.
func (s *Surveyor) surveyRights(
	ctx context.Context,
	db *sql.DB,
	a *restore.Assessment,
	live string,
	mode restore.Mode,
) {
	lines, err := schema.Grants(ctx, db)
	if err != nil || len(lines) == 0 {
		return
	}
	user, err := schema.One(ctx, db, "SELECT CURRENT_USER()")
	if err != nil {
		return
	}
	rights := doctor.ParseGrants(lines)
	a.Missing = rights.MissingData(live)
	beside := restore.SideSchema(live, "new", "20260101-000000-0000")
	if missing := rights.MissingData(beside); len(a.Missing) == 0 && len(missing) > 0 &&
		mode == restore.Swap {
		a.SwapRefused = restore.N(lang.M("no privileges on databases beside %s: %s", live,
			rights.Grant(missing, user, beside, doctor.BesidePattern(live))))
	}
}

// surveyCreators finds users who cannot create triggers and functions: with the binlog on
// this takes SUPER, or the setting that makes the log trust their creators.
func (s *Surveyor) surveyCreators(
	ctx context.Context,
	db *sql.DB,
	a *restore.Assessment,
	live string,
	src restore.Source,
	scope []string,
) {
	asked, err := schema.One(ctx, db, "SELECT @@GLOBAL.log_bin AND NOT @@GLOBAL.log_bin_trust_function_creators")
	if len(a.Missing) > 0 || err != nil || asked != "1" || !s.makesCreations(ctx, db, live, src, scope) {
		return
	}
	lines, err := schema.Grants(ctx, db)
	if err != nil || doctor.ParseGrants(lines).Has("SUPER", "") {
		return
	}
	a.Findings = append(a.Findings, restore.Finding{
		State:  ops.StateCritical,
		Blocks: true,
		What:   restore.N(doctor.NoCreators()),
		Hint: restore.N(lang.M("as an administrator: %s; or set another user in the options file",
			"SET GLOBAL log_bin_trust_function_creators = ON")),
	})
}

// makesCreations reports whether the restore creates triggers or functions, from the
// backup or again at the swap. For selected tables, only triggers are created.
func (s *Surveyor) makesCreations(
	ctx context.Context,
	db *sql.DB,
	live string,
	src restore.Source,
	scope []string,
) bool {
	if src.Replay != nil && src.Replay.Creations {
		return true
	}
	for _, o := range src.Holds {
		whole := len(scope) == 0
		if o.Kind == "trigger" && (whole || slices.Contains(scope, o.Table)) || o.Kind == "function" && whole {
			return true
		}
	}
	rows, err := schema.All(ctx, db,
		"SELECT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? "+
			"UNION ALL SELECT '' FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_TYPE = "+
			"'FUNCTION'",
		live, live)
	for _, r := range rows {
		if len(scope) == 0 || slices.Contains(scope, r[0]) {
			return true
		}
	}
	return err != nil
}

// surveyOwners finds users who cannot create the backup's objects of other definers.
func (s *Surveyor) surveyOwners(
	ctx context.Context,
	db *sql.DB,
	a *restore.Assessment,
	live string,
	src restore.Source,
	scope []string,
) {
	own, err := schema.One(ctx, db, "SELECT CURRENT_USER()")
	if err != nil {
		return
	}
	owner := another(definersIn(src, scope), own)
	what := doctor.NoDefiners(owner)
	if owner == "" && src.Replay != nil {
		owner = another(src.Replay.Definers, own)
		what = lang.M("the binlog creates objects of %s, and the user has no permission to create objects for other "+
			"users",
			owner)
	}
	lines, err := schema.Grants(ctx, db)
	if len(a.Missing) > 0 || owner == "" || a.Frozen || err != nil {
		return
	}
	rights := doctor.ParseGrants(lines)
	if rights.MayDefine() && (s.mariadb || rights.Has("SYSTEM_USER", "")) {
		return
	}
	if rights.MayDefine() {
		may, known := s.tryOwner(ctx, live, owner)
		if may && known {
			return
		}
		if !known {
			what = lang.M("objects of the backup belong to %s; whether this user may create them is unknown, because "+
				"it has no privileges on databases beside %s to try it in", owner, live)
		}
	}
	a.Findings = append(a.Findings, restore.Finding{
		State:  ops.StateCritical,
		Blocks: true,
		What:   restore.N(what),
		Hint:   restore.N(doctor.NoDefinersHint()),
	})
}

// another is an account among definers that is not the user's own; "" if there is none.
func another(definers []string, own string) (owner string) {
	for _, d := range definers {
		plain := unquotedAccount.Replace(d)
		if plain != own && strings.Contains(plain, "@") {
			owner = plain
		}
	}
	return owner
}

var unquotedAccount = strings.NewReplacer("`", "", "'", "")

// tryOwner creates a view with the owner as definer, in a temporary database: the tables
// that tell who has SYSTEM_USER are readable for few users. may is false only if the server
// reports that reason, or shows that the owner has SYSTEM_USER. known is false if this user may
// make no such database, and may not read the owner's privileges either.
func (s *Surveyor) tryOwner(ctx context.Context, live, owner string) (may, known bool) {
	db := s.unlogged(ctx)
	if db == nil {
		return true, true
	}
	defer db.Close()
	name := restore.SideSchema(live, probeOwner, probeID())
	if err := holdOn(ctx, db, name); err != nil {
		return true, true
	}
	at := strings.LastIndexByte(owner, '@')
	account := restore.Name(owner[:at]) + "@" + restore.Name(owner[at+1:])
	defer db.ExecContext(context.WithoutCancel(ctx), "DROP DATABASE IF EXISTS "+restore.Name(name))
	if err := try(ctx, db, "CREATE DATABASE "+restore.Name(name)); denied(err) {
		return systemUser(ctx, db, account)
	} else if err != nil {
		return true, true
	}
	err := try(ctx, db, "CREATE DEFINER = "+account+" VIEW "+restore.Name(name, "v")+" AS SELECT 1 AS a")
	return mysql.Number(err) != mysql.ErrSpecificAccess, true
}

// systemUser reads whether an account may be the definer of objects that a user without
// SYSTEM_USER creates: if it does not have that privilege itself, or no longer exists.
func systemUser(ctx context.Context, db schema.Querier, account string) (may, known bool) {
	rows, err := schema.All(ctx, db, "SHOW GRANTS FOR "+account)
	if mysql.Number(err) == errNoSuchGrant {
		return true, true
	}
	var lines []string
	roles := false
	for _, r := range rows {
		lines = append(lines, r[0])
		roles = roles || !strings.Contains(r[0], " ON ") // GRANT role TO account
	}
	if doctor.ParseGrants(lines).Has("SYSTEM_USER", "") {
		return false, true
	}
	return true, err == nil && len(lines) > 0 && !roles
}

// errNoSuchGrant is MySQL's ER_NONEXISTING_GRANT: there is no such account.
const errNoSuchGrant = 1141

// definersIn are the definers of the objects that a restore of the tables, or of
// everything, creates from the backup.
func definersIn(src restore.Source, scope []string) (out []string) {
	if len(scope) == 0 {
		return src.Definers
	}
	for _, o := range src.Holds {
		if o.Kind == "trigger" && slices.Contains(scope, o.Table) && o.Definer != "" {
			out = append(out, o.Definer)
		}
	}
	return out
}
