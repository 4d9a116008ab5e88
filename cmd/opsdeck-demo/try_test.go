package main
import ("testing";"fmt";"context";"time";"opsdeck/ops/mysql/dump";opsmysql "opsdeck/ops/mysql")
func TestTry(t *testing.T){ w,err:=newWorld(options{dir:t.TempDir()+"/w"}); if err!=nil{t.Fatal(err)}; defer w.close()
 if err:=w.startServers(context.Background());err!=nil{t.Fatal(err)}
 if err:=w.fill(context.Background(), newDataset(w.now));err!=nil{t.Fatal(err)}
 a:=w.sql.account()
 b:=time.Now()
 m,err:=dump.Run(context.Background(), opsmysql.Target{Network:"tcp",Addr:fmt.Sprintf("%s:%d",a.host,a.port),User:a.user,Password:a.password}, dump.Options{Databases:[]string{database},Kind:"scheduled"}, w.path("backups","x.sql.gz"))
 t.Log(time.Since(b), err); if m!=nil {t.Logf("%d %+v %v %v", m.SizeBytes, m.Consistency, m.Warnings, len(m.Tables))}
}
