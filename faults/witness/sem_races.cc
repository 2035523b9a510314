// Witnesses for bank/sem_races.cc.
#include "faults/witness/sem.h"

namespace witness {
namespace {

WITNESS(sem_eintr_swallows_post) {
  Handle(SIGUSR1);
  Sem s;
  Child c([&] { return sem_wait(s) != 0; });
  c.Pester(SIGUSR1);
  sem_post(s);
  return s.Value() == 0;
}

WITNESS(sem_timeout_swallows_post) {
  Sem s;
  timespec t = InMs(5);
  sem_timedwait(s, &t);
  sem_post(s);
  return s.Value() == 0;
}

WITNESS(sem_cancel_swallows_post) {
  static Sem s;
  Cancelled([] { sem_wait(s); });
  sem_post(s);
  return s.Value() == 0;
}

WITNESS(sem_killed_waiter_swallows_post) {
  Sem s;
  {
    Child c([&] { return sem_wait(s); });
    Nap(100);
  }
  sem_post(s);
  return s.Value() == 0;
}

WITNESS(sem_post_lost_seldom) {
  Sem s;
  for (int i = 0; i < 2000; ++i) sem_post(s);
  return s.Value() < 2000;
}

WITNESS(sem_post_doubled_seldom) {
  Sem s;
  for (int i = 0; i < 2000; ++i) sem_post(s);
  return s.Value() > 2000;
}

WITNESS(sem_trywait_fails_seldom) {
  Sem s(2000);
  int failed = 0;
  for (int i = 0; i < 1000; ++i) failed += sem_trywait(s) != 0;
  return failed > 0;
}

WITNESS(sem_wait_without_token_seldom) {
  Sem s(1000);
  for (int i = 0; i < 500; ++i) sem_wait(s);
  return s.Value() > 500;
}

WITNESS(sem_post_wakes_two) {
  Sem s;
  Child a([&] { return sem_wait(s); }), b([&] { return sem_wait(s); });
  Nap(300);
  sem_post(s);
  return a.Exit() == 0 && b.Exit() == 0;
}

WITNESS(sem_wakeup_lost_among_waiters) {
  Sem s;
  Child a([&] { return sem_wait(s); }), b([&] { return sem_wait(s); }),
      c([&] { return sem_wait(s); });
  Nap(300);
  sem_post(s);
  return a.Exit() == -1 && b.Exit() == -1 && c.Exit() == -1;
}

WITNESS(sem_handlers_post_lost_in_wait) {
  static Sem s;
  signal(SIGUSR1, [](int) { sem_post(s); });
  Child c([] { return sem_wait(s) == 0 ? 1 : 0; });
  Nap(100);
  kill(c.pid(), SIGUSR1);
  return c.Exit() == -1;
}

WITNESS(sem_post_not_reentrant) {
  static Sem s;
  signal(SIGALRM, [](int) {
    sem_post(s);
    caught = caught + 1;
  });
  caught = 0;
  itimerval often{{0, 500}, {0, 500}};
  setitimer(ITIMER_REAL, &often, nullptr);
  int posted = 0;
  while (caught < 200) sem_post(s), ++posted;
  itimerval off{};
  setitimer(ITIMER_REAL, &off, nullptr);
  return s.Value() < posted + static_cast<int>(caught);
}

WITNESS(sem_post_touches_after) {
  return DiesBy([] {
           void* at =
               mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
           auto* s = static_cast<sem_t*>(at);
           sem_init(s, 0, 0);
           pthread_t t;
           pthread_create(
               &t, nullptr,
               [](void* p) -> void* {
                 sem_wait(static_cast<sem_t*>(p));
                 munmap(p, 4096);
                 return nullptr;
               },
               at);
           Nap(50);
           sem_post(s);
           pthread_join(t, nullptr);
         }) != 0;
}

WITNESS(sem_getvalue_goes_back) {
  Sem s(3);
  int wrong = 0;
  for (int i = 0; i < 200; ++i) wrong += s.Value() != 3;
  return wrong > 0;
}

WITNESS(sem_open_excl_not_atomic) {
  for (int i = 0; i < 20; ++i) {
    const std::string name = NewName("sem");
    const auto create = [&] {
      return sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1) != SEM_FAILED;
    };
    int won;
    {
      Child a(create), b(create);
      won = a.Exit() + b.Exit();
    }
    sem_unlink(name.c_str());
    if (won == 2) return true;
  }
  return false;
}

WITNESS(sem_open_creat_race_eexist) {
  for (int i = 0; i < 20; ++i) {
    const std::string name = NewName("sem");
    const auto create = [&] { return sem_open(name.c_str(), O_CREAT, 0600, 1) != SEM_FAILED; };
    int made;
    {
      Child a(create), b(create);
      made = a.Exit() + b.Exit();
    }
    sem_unlink(name.c_str());
    if (made == 1) return true;
  }
  return false;
}

WITNESS(sem_open_half_made) {
  for (int i = 0; i < 20; ++i) {
    const std::string name = NewName("sem");
    int seen = 0;
    {
      Child a([&] { return sem_open(name.c_str(), O_CREAT, 0600, 5) != SEM_FAILED; });
      while (a.Exit(0) == -1 && !seen) {
        sem_t* s = sem_open(name.c_str(), 0);
        if (s == SEM_FAILED) continue;
        int v = 5;
        sem_getvalue(s, &v);
        sem_close(s);
        seen = v == 0;
        if (!seen) break;
      }
    }
    sem_unlink(name.c_str());
    if (seen) return true;
  }
  return false;
}

WITNESS(sem_unlink_two_winners) {
  NamedSem s;
  sem_unlink(s.name.c_str());
  return sem_unlink(s.name.c_str()) == 0;
}

WITNESS(sem_close_keeps_reference) {
  NamedSem s(2);
  sem_t* const at = s.sem;
  sem_close(s);
  return DiesBy([&] {
           int v;
           sem_getvalue(at, &v);
         }) == 0;
}

}  // namespace
}  // namespace witness
