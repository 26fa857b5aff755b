#include "doppel/base/credentials.h"

#include <gtest/gtest.h>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

TEST(Credentials, APasswordIsNotShownHoweverItsUrlIsMisspelt) {
  const std::pair<const char*, const char*> texts[] = {
      {"postgresql://u:pw@h/db: no such file", "postgresql://u:...@h/db: no such file"},
      {"postgresql://:pw@h/db", "postgresql://:...@h/db"},
      {"postgresql://u:p:/w@w@h/db", "postgresql://u:...@h/db"},
      {"postgresql//u:pw@h", "postgresql//u:...@h"},
      {"postgresql//u:/pw@h", "postgresql//u:...@h"},
      {"postgresql//u://pw@h", "postgresql//u:...@h"},
      {"./postgresql://u:pw@h", "./postgresql://u:...@h"},
      {"URL=postgresql://u:pw@h/db", "URL=postgresql://u:...@h/db"},
      {"postgres:/u:pw@h", "postgres:...@h"},  // as paths are written: one slash
      {"postgres:u:pw@h", "postgres:...@h"},
      {"--model=mysql://u:pw@h,", "--model=mysql://u:...@h,"},
      {"a postgresql://u:pw@h\nand postgresql://u:pw@g/ \t.",
       "a postgresql://u:...@h\nand postgresql://u:...@g/ \t."},
      {"host=h password=pw dbname=db", "host=h password=... dbname=db"},
      {"user=u password=pw: no such file", "user=u password=...: no such file"},
      {"postgresql://u@h/db?PassWord=pw&sslpassword=pw&x=1",
       "postgresql://u@h/db?PassWord=...&sslpassword=...&x=1"},
  };
  for (const auto& [text, shown] : texts) {
    EXPECT_EQ(without_credentials(text), shown);
    EXPECT_STREQ(Error(ErrorKind::io, text).what(), shown);
  }
  EXPECT_EQ(word_without_credentials("postgresql//u:p w@h"), "postgresql//u:...@h");
}

TEST(Credentials, AllElseIsShownAsItIs) {
  for (const char* text :
       {"", " ", "faces/s1/1.pgm: cannot be opened: No such file",
        "postgresql://ada@db:5433/people",
        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE was expected, where %40 stands for an @ in",
        "https://[::1]:8080 and ada@example.org:", "photos/10:30 ada@home.jpg"}) {
    EXPECT_EQ(without_credentials(text), text);
  }
}

}  // namespace
}  // namespace doppel::internal
