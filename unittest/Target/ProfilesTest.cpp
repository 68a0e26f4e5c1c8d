// SPDX-License-Identifier: MIT
#include "triton-metal/Target/Profiles.h"

#include <gtest/gtest.h>
#include <set>

using namespace tmetal;

TEST(Profiles, NamesAndAliasesAreUnique) {
  std::set<std::string> seen;
  for (const Profile &profile : allProfiles()) {
    EXPECT_TRUE(seen.insert(std::string(profile.name)).second) << profile.name;
    for (std::string_view alias : profile.aliases)
      EXPECT_TRUE(seen.insert(std::string(alias)).second) << alias;
  }
}

TEST(Profiles, EveryNameLeadsToItsProfile) {
  for (const Profile &profile : allProfiles()) {
    EXPECT_EQ(findProfile(profile.name), &profile);
    EXPECT_EQ(findProfile(profile.title), &profile);
    for (std::string_view alias : profile.aliases)
      EXPECT_EQ(findProfile(std::string("applegpu_") + std::string(alias)), &profile);
  }
}

TEST(Profiles, SpellingDoesNotMatter) {
  const Profile *expected = findProfile("m3-max");
  ASSERT_NE(expected, nullptr);
  for (const char *name : {"M3 Max", "Apple M3 Max", "m3max", "M3_MAX"})
    EXPECT_EQ(findProfile(name), expected) << name;
}

TEST(Profiles, FamiliesFollowTheGenerations) {
  EXPECT_EQ(findProfile("m1")->target->family, "Apple7");
  EXPECT_EQ(findProfile("m3")->target, findProfile("m4-max")->target);
  EXPECT_EQ(targetInfo("host").float64, Float64::Native);
  EXPECT_EQ(targetInfo("m5").float64, Float64::Software);
  EXPECT_EQ(targetInfo("host").atomics64, Atomics64::All);
  EXPECT_EQ(targetInfo("m1").atomics64, Atomics64::None);
  EXPECT_EQ(targetInfo("m2").atomics64, Atomics64::MinMax);
}

TEST(Profiles, UnknownNames) {
  for (const char *name : {"", "apple", "applegpu", "m9", "m", "m10-pro", "sm_90"})
    EXPECT_EQ(findProfile(name), nullptr) << name;
  std::string message = unknownProfileMessage("m9");
  EXPECT_NE(message.find("'m9'"), std::string::npos);
  EXPECT_NE(message.find("m5-max"), std::string::npos);
}
