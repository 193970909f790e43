"""What is written -> what is said."""

import pytest

from palabre.tts.normalise import speakable

NUMBERS = """
Il y en a 0 | Il y en a zéro
J'ai 21 ans | J'ai vingt et un ans
J'ai 71 ans | J'ai soixante et onze ans
J'ai 80 ans | J'ai quatre-vingts ans
J'ai 81 ans | J'ai quatre-vingt-un ans
J'ai 99 ans | J'ai quatre-vingt-dix-neuf ans
200 jours | deux cents jours
201 jours | deux cent un jours
en 1905 | en mille neuf cent cinq
en 2024 | en deux mille vingt-quatre
1 234 habitants | mille deux cent trente-quatre habitants
1\u202f234\u202f567 m | un million deux cent trente-quatre mille cinq cent soixante-sept mètres
1.200.007 habitants | un million deux cent mille sept habitants
80 000 lots | quatre-vingt mille lots
2 000 000 de lots | deux millions de lots
3,14 | trois virgule quatorze
3,5 fois plus | trois virgule cinq fois plus
0,05 point | zéro virgule zéro cinq point
3,14159 | trois virgule un quatre un cinq neuf
-5 points | moins cinq points
21 personnes | vingt et une personnes
1 demande | une demande
1 attestation | une attestation
31 journées | trente et une journées
1 jour | un jour
06000 Nice | zéro six mille Nice
75016 Paris | soixante-quinze mille seize Paris
1/2 journée | une demi-journée
les 3/4 du temps | les trois quarts du temps
les 2/3 des voix | les deux tiers des voix
5/20 au test | cinq sur vingt au test
de 2020-2024 | de deux mille vingt à deux mille vingt-quatre
10–15 jours | dix à quinze jours
3-4 mois | trois à quatre mois
la version 3.12.1 | la version trois point douze point un
la v2.0 | la version deux point zéro
le point 3.5 | le point trois point cinq
2 + 2 = 4 | deux plus deux égale quatre
un ratio ≥ 3 | un ratio supérieur ou égal à trois
""", """
3,50 € | trois euros cinquante
3,05 € | trois euros cinq
3,5 € | trois euros cinquante
1 € | un euro
0 € | zéro euro
1,50 € | un euro cinquante
0,50 € | cinquante centimes
0,01 € | un centime
1 234,56 € | mille deux cent trente-quatre euros cinquante-six
1\u202f234,56\u00a0€ | mille deux cent trente-quatre euros cinquante-six
80 € | quatre-vingts euros
1 000 000 € | un million d'euros
20 k€ | vingt mille euros
1,5 k€ | mille cinq cents euros
1,5 M€ | un virgule cinq million d'euros
3 Md€ | trois milliards d'euros
2 millions € | deux millions d'euros
10-15 € | dix à quinze euros
12 €/mois | douze euros par mois
0,1740 €/kWh | zéro virgule un sept quatre zéro euro par kilowattheure
1 200 EUR | mille deux cents euros
5 $ | cinq dollars
$5 | cinq dollars
21 £ | vingt et une livres
50 CHF | cinquante francs suisses
20 % de plus | vingt pour cent de plus
20% de plus | vingt pour cent de plus
3,5 % | trois virgule cinq pour cent
+5 % | plus cinq pour cent
10-15 % | dix à quinze pour cent
3 ‰ | trois pour mille
""", """
le 21 juin 1905 | le vingt et un juin mille neuf cent cinq
le 1er juin | le premier juin
le 21/06/1905 | le vingt et un juin mille neuf cent cinq
le 01/06/2024 | le premier juin deux mille vingt-quatre
le 21.06.2024 | le vingt et un juin deux mille vingt-quatre
2024-06-21 | vingt et un juin deux mille vingt-quatre
le 21/06 | le vingt et un juin
le 3 sept. 2024 | le trois septembre deux mille vingt-quatre
le 45/06/2024 | le quarante-cinq sur zéro six sur deux mille vingt-quatre
à 14h30 | à quatorze heures trente
à 14 h 30 | à quatorze heures trente
à 14h | à quatorze heures
à 14h00 | à quatorze heures
à 14h05 | à quatorze heures cinq
à 1h | à une heure
à 21h21 | à vingt et une heures vingt et une
à 14:30 | à quatorze heures trente
de 9h à 12h | de neuf heures à douze heures
8h-12h | huit heures à douze heures
8h30–12h30 | huit heures trente à douze heures trente
9-12h | neuf à douze heures
35 h par semaine | trente-cinq heures par semaine
24h/24 et 7j/7 | vingt-quatre heures sur vingt-quatre et sept jours sur sept
""", """
le 1er étage | le premier étage
la 1re fois | la première fois
la 1ère fois | la première fois
le 2e étage | le deuxième étage
le 2ème étage | le deuxième étage
le 9e art | le neuvième art
le 5e art | le cinquième art
le 21e jour | le vingt et unième jour
le 80e jour | le quatre-vingtième jour
la 2nde fois | la seconde fois
les 3es rencontres | les troisièmes rencontres
au XXIe siècle | au vingt et unième siècle
au XIXᵉ siècle | au dix-neuvième siècle
la Ve République | la cinquième République
François Ier | François premier
Louis XIV | Louis quatorze
Napoléon III | Napoléon trois
Jean-Paul II | Jean-Paul deux
le chapitre IV | le chapitre quatre
l'annexe I | l'annexe un
le tome V | le tome cinq
Vatican II | Vatican deux
""", """
12 km | douze kilomètres
1 km | un kilomètre
1,5 km | un virgule cinq kilomètre
90 km/h | quatre-vingt-dix kilomètres heure
25 m² | vingt-cinq mètres carrés
3 m3 | trois mètres cubes
21 min | vingt et une minutes
1 min | une minute
30 s | trente secondes
20 °C | vingt degrés Celsius
-5 °C | moins cinq degrés Celsius
19° | dix-neuf degrés
250 kWh/an | deux cent cinquante kilowattheures par an
16 Go | seize gigaoctets
1 t | une tonne
2,5 kg | deux virgule cinq kilos
3 L | trois litres
10-12 km | dix à douze kilomètres
30 j | trente jours
""", """
01 23 45 67 89 | zéro un, vingt-trois, quarante-cinq, soixante-sept, quatre-vingt-neuf
01.23.45.67.89 | zéro un, vingt-trois, quarante-cinq, soixante-sept, quatre-vingt-neuf
0123456789 | zéro un, vingt-trois, quarante-cinq, soixante-sept, quatre-vingt-neuf
06 00 07 80 91 | zéro six, zéro zéro, zéro sept, quatre-vingts, quatre-vingt-onze
+33 1 23 45 67 80 | plus trente-trois, un, vingt-trois, quarante-cinq, soixante-sept, quatre-vingts
0 800 123 456 | zéro huit cents, cent vingt-trois, quatre cent cinquante-six
Appelez le 3114 | Appelez le trente et un quatorze
au 3919 | au trente-neuf dix-neuf
le 112 | le cent douze
jean.dupont@exemple.fr | jean point dupont arobase exemple point F R
jean-d_42@exemple.com | jean tiret d tiret bas quarante-deux arobase exemple point com
https://www.exemple.fr/a/b.html?c=1 | exemple point F R
https://exemple.org/aide | exemple point org slash aide
service-public.fr | service tiret public point F R
www.caf.fr | caf point F R
Voir exemple.com. | Voir exemple point com.
""", """
M. Dupont | Monsieur Dupont
MM. Dupont et Durand | Messieurs Dupont et Durand
Mme Durand | Madame Durand
Mlle Petit | Mademoiselle Petit
le Dr Martin | le Docteur Martin
le Dr. Martin | le Docteur Martin
Me Petit | Maître Petit
St-Denis | Saint-Denis
l'art. 12 | l'article douze
l'art. L. 121-1 | l'article L cent vingt et un tiret un
p. 12 | page douze
pp. 12-15 | pages douze à quinze
n° 5 | numéro cinq
n°5 | numéro cinq
§ 3 | paragraphe trois
p. ex. un chat | par exemple un chat
c.-à-d. demain | c'est-à-dire demain
des pommes, etc. | des pommes, et cetera.
des pommes, etc. sont là | des pommes, et cetera sont là
env. 20 | environ vingt
52 av. J.-C. | cinquante-deux avant Jésus-Christ.
12 av. de Paris | douze avenue de Paris
3 bd Voltaire | trois boulevard Voltaire
cf. annexe | voir annexe
un RDV | un rendez-vous
100 € HT | cent euros hors taxes
Dupont & fils | Dupont et fils
J.-P. Sartre | J P Sartre
et/ou | et ou
""", """
un HLM | un H L M
l'APL | l'A P L
la CAF | la caf
le RSA | le R S A
l'URSSAF | l'urssaf
l'INSEE | l'insee
la CPAM | la C P A M
la SNCF | la S N C F
les HLM | les H L M
la S.N.C.F. recrute | la S N C F recrute
un EHPAD | un ehpad
l'IA | l'I A
COVID-19 | covid dix-neuf
du CO2 | du C O deux
une feuille A4 | une feuille A quatre
la 4G | la quatre G
ATTENTION AUX MARCHES | attention aux marches
Le **délai** est de 30 jours [1]. | Le délai est de trente jours.
"""  # fmt: skip


def table() -> list[tuple[str, str]]:
    lines = [line for part in NUMBERS for line in part.strip().splitlines()]
    return [(a.strip(), b.strip()) for a, b in (line.split(" | ") for line in lines)]


@pytest.mark.parametrize(("written", "said"), table())
def test_it_is_said_as_a_french_person_says_it(written: str, said: str) -> None:
    assert speakable(written, "fr-FR").text == said
