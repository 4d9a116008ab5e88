package replay

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// traps are faults seen in tools that archive and replay binlogs, and the tests that would
// find each here, by folder of the repository.
var traps = []struct {
	trap  string
	in    string
	tests []string
}{
	{"the current file is never archived", "ops/mysql/binarchive",
		[]string{"TestAFollowerKeepsWithinASecondAndIsTheOnlyOne", "TestTheArchiveIsTheServersLogByteForByte"}},
	{"events are doubled at the seam of two files, or of backup and log", "ops/mysql/changes",
		[]string{"TestOnlyTheRestOfAnOpenFileIsFetched", "TestATransactionOverSeveralFramesIsListedOnce"}},
	{"the same file name after a failover or a reset", "ops/mysql/replay",
		[]string{"TestAnotherLogOfTheSameName", "TestAMomentAcrossAFailover"}},
	{"only the last instant is accepted; cuts of a second split transactions", "ops/mysql/replay",
		[]string{"TestEveryKindOfMomentEndsBetweenTransactions", "TestTheReplayStopsBeforeAFileThatBeganInTheSameSecond"}},
	{"the dump's position is not its snapshot's", "cmd/opsdeck", []string{"TestABackupsPositionIsItsSnapshots"}},
	{"a moment in the wrong zone", "ops/binlog", []string{"TestAMomentIsReadInItsZone"}},
	{"a clock that is set back, also between two files", "ops/mysql/replay", []string{"TestASessionsOwnTimestamp"}},
	{"a server that is reset twice within a second", "ops/mysql/binarchive",
		[]string{"TestTwoLogsOfOneSecondAreToldApart"}},
	{"what cannot be replayed is found at the restore", "cmd/opsdeck",
		[]string{"TestAStatementThatNoReplayCanDoIsSaidWhenItIsArchived"}},
	{"temporary tables of sessions are mixed up or lost", "ops/mysql/replay",
		[]string{"TestTemporaryTablesAreReplayedInTheirSessions", "TestAKilledReplayWithAnOpenTemporaryTableBeginsAgain"}},
	{"a schema is renamed by text", "ops/mysql/replay",
		[]string{"TestAStatementRunsInTheSessionThatItWasLoggedIn", "TestOnlyOurPartOfAStatementIsReplayed"}},
	{"TRUNCATE and DDL are overlooked; AUTO_INCREMENT after the replay", "ops/mysql/replay",
		[]string{"TestReplayBringsACopyToTheSameRows", "TestTheServersOwnToolsComeToTheSame",
			"TestTheNextNumberIsAfterEveryNumberInTheLog"}},
	{"triggers fire again", "ops/mysql/replay",
		[]string{"TestATableWithTriggersNeedsTheBinlogStatement", "TestNoStatementFiresATriggerIntoAnotherDatabase"}},
	{"no primary key, images MINIMAL and partial, cascades, XA, MyISAM", "ops/mysql/replay",
		[]string{"TestRandomWorkIsReplayed", "TestPartsOfDocumentsNeedTheBinlogStatement", "TestARolledBackXAIsNoLoss"}},
	{"rows of foreign keys are not in the log", "cmd/opsdeck",
		[]string{"TestARewindSaysWhichRowsOfForeignKeysTheLogLacks"}},
	{"a column was dropped or added since", "cmd/opsdeck",
		[]string{"TestARewindReadsRowsByTheDefinitionOfTheirTime", "TestARowIsTracedByItsKeyAcrossDefinitions"}},
	{"nextval writes row events", "ops/mysql/binlog", []string{"TestSequencesAndAnnotationsOfMariaDB"}},
	{"the archive is damaged or mixed of two servers", "ops/mysql/binarchive",
		[]string{"TestDamageIsFound", "TestTwoServersAreArchivedIntoOneFolderAtOnce"}},
	{"the archive is damaged in any way, or its manifest's lines are in another order", "cmd/opsdeck",
		[]string{"TestOneAnswerOverADamagedArchive"}},
	{"the server purges what was not archived", "ops/mysql/binarchive",
		[]string{"TestWhatTheServerPurgedOrBeganAgainIsAGap"}},
	{"a second follower", "cmd/opsdeck", []string{"TestWatchArchivesTheBinaryLogAndASecondFollowerSaysWhoDoes"}},
	{"a full disk", "ops/mysql/binarchive", []string{"TestAFullDiskIsSaidAndNothingIsMissingAfterwards"}},
	{"a kill at any moment", "ops/mysql/binarchive", []string{"TestAFollowerKilledAtAnyMomentLosesNothing"}},
	{"a replay or a standby is killed", "cmd/opsdeck",
		[]string{"TestAReplayThatWasKilledGoesOn", "TestAStandbyThatWasKilledGoesOn"}},
	{"the server and its follower are killed: more than the last second is lost", "ops/mysql/binarchive",
		[]string{"TestBothKilledLoseNoMoreThanTheLastMoment"}},
	{"a moment before the backup or past the archive", "cmd/opsdeck",
		[]string{"TestRestoreSaysWhichSpanCanBeReached"}},
	{"a set of GTIDs with holes", "ops/mysql/replay", []string{"TestABackupIsBeforeASetOfGTIDs"}},
	{"passwords in texts of statements", "ops/binlog", []string{"TestSecretsAreNeverShown"}},
	{"another number of transactions than was forecast", "ops/mysql/replay",
		[]string{"TestAReplayOfAnotherCountFails"}},
}

// Each trap has a test.
func TestEachTrapHasATest(t *testing.T) {
	for _, x := range traps {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", x.in, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
		for _, name := range x.tests {
			if !regexp.MustCompile(`(?m)^func ` + name + `\(t \*testing\.T\)`).Match(all) {
				t.Errorf("%s: %s has no %s", x.trap, x.in, name)
			}
		}
	}
}
