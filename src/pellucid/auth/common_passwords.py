# ruff: noqa: RUF001 - this is what people type, in their own alphabets
"""Passwords that are tried first: of eight characters or more (shorter ones are refused anyway), in lower case."""

_LIST = """
!@#$%^&* !@#$%^&*() !q2w3e4r !qaz2wsx 01234567 012345678 0123456789 098765432 0987654321 1!2@3#4$ 10101010 11112222
11223344 1122334455 112233445566 12121212 123123123 1231231234 123321123 1234%^&* 12341234 123412345 12344321
123454321 12345678 123456789 1234567890 1234567891 12345678910 123456789a 123456789q 12345678a 1234567a 1234567q
123456aa 123456ab 123456abc 123456qwerty 12345abc 12345qwert 1234abcd 1234qwer 123654789 123qweasd 13131313 147258369
147852369 159357258 159753456 1a2b3c4d 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20202020
21212121 22334455 321321321 456789123 5201314520 741852963 789456123 789456123a 87654321 88888888a 963852741 987654321
9876543210 a1234567 a12345678 a123456789 a1b2c3d4 a1b2c3d4e5 aa123456 aa12345678 aaa111222 abc123!@# abc12345
abc123456 abc123abc abc@1234 abcabcabc abcd1234 abcd@1234 abcdef123 abcdefg1 abcdefgh abcdefghi access14 accessgranted
admin123 admin123! admin1234 admin12345 admin123456 admin1admin admin2020 admin2021 admin2022 admin2023 admin2024
admin2025 admin2026 admin@123 admin@1234 adminadmin administrator administrator! administrator#1 administrator01
administrator1 administrator1! administrator12 administrator123 administrator123! administrator1234 administrator12345
administrator123456 administrator2020 administrator2021 administrator2022 administrator2023 administrator2024
administrator2025 administrator2026 administrator@123 aini1314 airborne alejandro alexander alexander1 alexander123
alexandra alexandre amanda123 amazon123 america1 anderson andrew123 android1 angel123 angelica anthony1 anthony123
apple123 april2024 argentina arsenal1 arsenal123 asd123456 asdasdasd asdf1234 asdf123456 asdf@123 asdfasdf asdfghjk
asdfghjkl asdfghjkl; ashley123 australia autumn123 avengers azerty#1 azerty01 azerty1! azerty12 azerty123 azerty123!
azerty1234 azerty12345 azerty123456 azerty2020 azerty2021 azerty2022 azerty2023 azerty2024 azerty2025 azerty2026
azerty@123 azertyuiop babyboy1 babygirl babygirl1 bailey123 banana123 barcelona barcelona1 barcelona123 baseball
baseball! baseball#1 baseball01 baseball1 baseball1! baseball12 baseball123 baseball123! baseball1234 baseball12345
baseball123456 baseball2020 baseball2021 baseball2022 baseball2023 baseball2024 baseball2025 baseball2026 baseball@123
basketball basketball1 basketball123 batman123 beautiful beautiful1 benjamin benjamin1 benjamin123 berlin123 besiktas
bestfriend bestfriends bigdaddy blessed1 blink182 bonjour1 brandon1 brazil123 brittany buster123 butterfly butterfly1
butterfly123 butthead california callofduty canada123 captain1 carolina caroline catherine change123 changeit changeme
changeme! changeme#1 changeme01 changeme1 changeme1! changeme12 changeme123 changeme123! changeme1234 changeme12345
changeme123456 changeme2020 changeme2021 changeme2022 changeme2023 changeme2024 changeme2025 changeme2026 changeme@123
changethis charlie1 charlie123 cheese123 chelsea1 chelsea123 chewbacca cheyenne chicago1 chocolate chocolate1
chocolate123 chouchou christian christmas christopher cinderella cisco123 colombia company1 company123 computer
computer1 computer123 contrasena contraseña cookie123 corazon1 correcthorsebatterystaple corvette corvette1
corvette123 counterstrike cowboys1 cristina crocodile daniel123 danielle darthvader database database1 database123
deadpool dearbook december default! default#1 default01 default1 default1! default12 default123 default123!
default1234 default12345 default123456 default2020 default2021 default2022 default2023 default2024 default2025
default2026 default@123 demo1234 diamond1 diamond123 doggy123 dolphin1 dolphins dorothea doudou123 dragon12 dragon123
dropbox1 dumbledore eagles123 elephant elizabeth elizabeth1 elizabeth123 eminem123 emmanuel england1 estrella example1
example123 facebook facebook1 facebook123 fastapi1 fastapi123 february fenerbahce fernando ferrari1 ferrari123
fireball firebird florida1 flower123 football football! football#1 football01 football1 football1! football12
football123 football123! football1234 football12345 football123456 football2020 football2021 football2022 football2023
football2024 football2025 football2026 football@123 forever1 forever123 fortnite francisco freedom1 freedom123
friday13 friends1 fussball g9l2d1fzpy gabriela galatasaray gandalf1 garfield garrison germany1 geronimo ginger123
giuseppe gmail123 godfather godisgood golden123 goodfellas google123 gorgeous graduate greenday gryffindor guest123
guest123! guest1234 guest12345 guest123456 guest2020 guest2021 guest2022 guest2023 guest2024 guest2025 guest2026
guest@123 guestguest hallo123 halloween hannah123 hardcore harley123 harrypotter heaven123 hello123 hockey123 hogwarts
homerun1 hotmail1 hotstuff hunter123 iamthebest icecream icecream1 ilovegod iloveme1 iloveu123 iloveyou iloveyou!
iloveyou#1 iloveyou01 iloveyou1 iloveyou1! iloveyou12 iloveyou123 iloveyou123! iloveyou1234 iloveyou12345
iloveyou123456 iloveyou2 iloveyou2020 iloveyou2021 iloveyou2022 iloveyou2023 iloveyou2024 iloveyou2025 iloveyou2026
iloveyou@123 instagram internet internet1 internet123 iphone123 ireland1 ironman1 istanbul jackson1 january1 jasmine1
jennifer jennifer1 jennifer123 jeremiah jessica1 jessica123 jesus123 jesuschrist jonathan jordan123 joshua123 juventus
juventus1 juventus123 katherine killer123 kimberly kittycat kristina lacrosse lakers24 lasvegas leagueoflegends
leonardo letmein! letmein#1 letmein01 letmein1 letmein1! letmein12 letmein123 letmein123! letmein1234 letmein12345
letmein123456 letmein2 letmein2020 letmein2021 letmein2022 letmein2023 letmein2024 letmein2025 letmein2026 letmein@123
letmeinnow linkedin1 linkinpark liverpool liverpool1 liverpool123 login123 login123! login1234 login12345 login123456
login2020 login2021 login2022 login2023 login2024 login2025 login2026 login@123 lollipop lollypop london123 loulou123
lovelove lovely123 lovers123 loveyou1 loveyou123 lowrider macintosh maggie123 magnolia manager1 manager123 manchester
manunited march2024 margaret marines1 mariposa marlboro martinez master123 matrix123 matthew1 matthew123 maverick
melissa1 melissa123 mercedes mercedes1 mercedes123 mercury1 metallica mexico123 michael1 michael123 michelle michelle1
michelle123 mickey123 microsoft midnight military mima1234 minecraft mitchell monday123 monkey12 monkey123 montana1
moonlight motdepasse mountain mustang1 mustang123 mypass123 mypassword natalie1 nathaniel ncc1701d ncc1701e netflix1
newpassword newyork1 nicholas nicholas1 nicole123 nightmare nintendo nirvana1 nopassword nothing1 november obiwan123
october1 office123 openseame opensesame oracle123 orange123 outlaw12 p4ssw0rd p@$$w0rd p@$$word p@ssw0rd p@ssw0rd!
p@ssw0rd#1 p@ssw0rd01 p@ssw0rd1 p@ssw0rd1! p@ssw0rd12 p@ssw0rd123 p@ssw0rd123! p@ssw0rd1234 p@ssw0rd12345
p@ssw0rd123456 p@ssw0rd2020 p@ssw0rd2021 p@ssw0rd2022 p@ssw0rd2023 p@ssw0rd2024 p@ssw0rd2025 p@ssw0rd2026 p@ssw0rd@123
p@ssword p@ssword! p@ssword#1 p@ssword01 p@ssword1 p@ssword1! p@ssword12 p@ssword123 p@ssword123! p@ssword1234
p@ssword12345 p@ssword123456 p@ssword2020 p@ssword2021 p@ssword2022 p@ssword2023 p@ssword2024 p@ssword2025
p@ssword2026 p@ssword@123 pa$$w0rd pa$$word pa$$word! pa$$word#1 pa$$word01 pa$$word1 pa$$word1! pa$$word12
pa$$word123 pa$$word123! pa$$word1234 pa$$word12345 pa$$word123456 pa$$word2020 pa$$word2021 pa$$word2022 pa$$word2023
pa$$word2024 pa$$word2025 pa$$word2026 pa$$word@123 pa55w0rd pa55word pa55word! pa55word#1 pa55word01 pa55word1
pa55word1! pa55word12 pa55word123 pa55word123! pa55word1234 pa55word12345 pa55word123456 pa55word2020 pa55word2021
pa55word2022 pa55word2023 pa55word2024 pa55word2025 pa55word2026 pa55word@123 packers1 panasonic panther1 paradise
paris123 parola123 pass1234 pass12345 pass123456 pass@123 pass@word1 passion1 passpass passport1 passw0rd passw0rd!
passw0rd#1 passw0rd01 passw0rd1 passw0rd1! passw0rd12 passw0rd123 passw0rd123! passw0rd1234 passw0rd12345
passw0rd123456 passw0rd2020 passw0rd2021 passw0rd2022 passw0rd2023 passw0rd2024 passw0rd2025 passw0rd2026 passw0rd@123
password password! password#1 password0 password01 password1 password1! password10 password11 password12 password123
password123! password1234 password12345 password123456 password1234567 password13 password2 password2020 password2021
password2022 password2023 password2024 password2025 password2026 password3 password4 password5 password6 password7
password8 password9 password99 password@123 passwordpassword passwords passwort passwort1 patricia patriots peaches1
pellucid pellucid1 pellucid123 penelope pepper123 platinum playstation please123 pokemon1 pokemon123 porsche911
portugal postgres postgres1 postgres123 postgresql postgresql1 postgresql123 precious predator president princesa
princess princess! princess#1 princess01 princess1 princess1! princess12 princess123 princess123! princess1234
princess12345 princess123456 princess2020 princess2021 princess2022 princess2023 princess2024 princess2025
princess2026 princess@123 pumpkin1 puppylove purple123 python123 q123456789 q1w2e3r4 q1w2e3r4t5 qazwsx123 qazwsxedc
question qwe123456 qwe123qwe qweasd123 qweasdzxc qweqweqwe qwer1234 qwert123 qwert12345 qwerty!@# qwerty#1 qwerty01
qwerty1! qwerty12 qwerty123 qwerty123! qwerty1234 qwerty12345 qwerty123456 qwerty2020 qwerty2021 qwerty2022 qwerty2023
qwerty2024 qwerty2025 qwerty2026 qwerty@123 qwertyu1 qwertyui qwertyuiop qwertz#1 qwertz01 qwertz1! qwertz12 qwertz123
qwertz123! qwertz1234 qwertz12345 qwertz123456 qwertz2020 qwertz2021 qwertz2022 qwertz2023 qwertz2024 qwertz2025
qwertz2026 qwertz@123 raiders1 rainbow1 rainbows raindrop realmadrid redskins remember richard1 robert123 roblox123
rocknroll root123! root1234 root12345 root123456 root2020 root2021 root2022 root2023 root2024 root2025 root2026
root@123 rootroot roottoor rosebud1 rosemary s1234567 salvador samantha samantha1 samantha123 sample123 samsung1
samsung123 sapphire saturday savannah scarface scarlett schalke04 schatz123 scooby123 scorpion scotland sebastian
secret#1 secret01 secret1! secret12 secret123 secret123! secret1234 secret12345 secret123456 secret2020 secret2021
secret2022 secret2023 secret2024 secret2025 secret2026 secret@123 secure123 security security1 senha123 september
server123 shadow12 shadow123 shannon1 shopping silver123 skittles skywalker slipknot slytherin snickers snoopy123
snowball snowboard soccer123 softball softball1 soleil123 something sommer123 southside spiderman spongebob spotify1
spring123 starcraft stardust stargate starlight startrek starwars starwars1 starwars123 steelers stephanie stephanie1
stephanie123 stephen1 stranger strawberry summer123 sundays1 sunflower sunshine sunshine! sunshine#1 sunshine01
sunshine1 sunshine1! sunshine12 sunshine123 sunshine123! sunshine1234 sunshine12345 sunshine123456 sunshine2020
sunshine2021 sunshine2022 sunshine2023 sunshine2024 sunshine2025 sunshine2026 sunshine@123 supabase supabase1
supabase123 superman superman1 superman123 superstar sweetheart sweetie1 swordfish system32 teamo123 teamobrazil
temp1234 temporary temporary1 temporary123 temppass tequiero terminator test123! test1234 test12345 test123456
test2020 test2021 test2022 test2023 test2024 test2025 test2026 test@123 tester#1 tester01 tester1! tester12 tester123
tester123! tester1234 tester12345 tester123456 tester2020 tester2021 tester2022 tester2023 tester2024 tester2025
tester2026 tester@123 testing! testing#1 testing01 testing1 testing1! testing12 testing123 testing123! testing1234
testing12345 testing123456 testing2020 testing2021 testing2022 testing2023 testing2024 testing2025 testing2026
testing@123 testpass testpassword testtest testtest1 testuser texas123 thepassword thomas123 thunder1 thunderbird
thursday tiger123 tigger123 tinkerbell toor123! toor1234 toor12345 toor123456 toor2020 toor2021 toor2022 toor2023
toor2024 toor2025 toor2026 toor@123 toronto1 tottenham treasure trial123 trinity1 trouble1 trustno1 trustno11
trustno1123 trustnoone tuesday1 tweety123 twitter1 undertaker universe user123! user1234 user12345 user123456 user2020
user2021 user2022 user2023 user2024 user2025 user2026 user@123 useruser valentina valentine vanessa1 veronica victoria
victoria1 victoria123 voldemort w1234567 wachtwoord warcraft warriors wednesday welc0me! welc0me#1 welc0me01 welc0me1
welc0me1! welc0me12 welc0me123 welc0me123! welc0me1234 welc0me12345 welc0me123456 welc0me2020 welc0me2021 welc0me2022
welc0me2023 welc0me2024 welc0me2025 welc0me2026 welc0me@123 welcome! welcome#1 welcome01 welcome1 welcome1! welcome12
welcome123 welcome123! welcome1234 welcome12345 welcome123456 welcome2020 welcome2021 welcome2022 welcome2023
welcome2024 welcome2025 welcome2026 welcome@123 welkom01 welkom123 welkom2024 whatever whatever1 whatever123 whiskey1
william1 william123 williams windows1 windows10 winter123 woaini1314 woaini520 wolverine wrestling x1234567 xbox360!
xxxxxxx1 yahoo123 yamaha123 yankees1 yellow123 yoda1234 yourpassword youtube1 z1234567 zachary1 zaq12wsx zaq1xsw2
zaq1zaq1 zxc123456 zxcv1234 zxcvbnm! zxcvbnm, zxcvbnm1 zxcvbnm123 zxcvzxcv йцукен123 йцукенгш пароль123 парольпароль
"""

COMMON_PASSWORDS = frozenset(_LIST.split())
